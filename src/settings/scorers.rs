mod breaker;
mod kind;
mod scale;
mod unscored;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

pub use self::breaker::BreakerSettings;
pub use self::kind::ScorerKind;
pub use self::scale::ScaleSettings;
pub use self::unscored::UnscoredItem;
use super::check::Check;
use super::scorer_kinds::{
    EngagementSettings, HttpSettings, LexiconSettings, LookupSettings, RecencySettings,
};
use super::text;

/// `[scorers.NAME]`: a pool of threads that scores texts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerSettings {
    /// What scores.
    pub kind: ScorerKind,
    /// Threads.
    #[serde(default = "defaults::workers")]
    pub workers: usize,
    /// Most batches that wait for a thread; past it a request goes without this score.
    #[serde(default = "defaults::queue")]
    pub queue: usize,
    /// Most items a thread scores before it looks at the clock.
    #[serde(default = "defaults::max_batch")]
    pub max_batch: usize,
    /// How long a thread waits for a batch to become full, in milliseconds; items of several requests share it then.
    #[serde(default)]
    pub max_delay_ms: u64,
    /// Longest time a request waits for this scorer, and a batch may take, in milliseconds; the ranking deadline ends the
    /// wait sooner. A batch that takes longer is abandoned, and another thread takes the place of its own.
    #[serde(default = "defaults::time_limit_ms")]
    pub time_limit_ms: u64,
    /// The most threads left behind with abandoned batches; while there are so many the scorer is left alone.
    #[serde(default = "defaults::max_abandoned")]
    pub max_abandoned: usize,
    /// When a scorer that fails is left alone.
    #[serde(default)]
    pub breaker: BreakerSettings,
    /// The score of an item that this scorer failed to score.
    #[serde(default)]
    pub default: f64,
    /// What happens to an item that this scorer failed to score.
    #[serde(default)]
    pub unscored: UnscoredItem,
    /// What raw scores become before a policy weighs them.
    #[serde(default)]
    pub scale: ScaleSettings,
    /// Scores to remember, by content; 0 remembers none.
    #[serde(default = "defaults::cache_entries")]
    pub cache_entries: usize,
    /// How long a score is remembered.
    #[serde(default = "defaults::cache_ttl", deserialize_with = "text::duration")]
    pub cache_ttl: Duration,
    /// `false` removes the scorer.
    #[serde(default = "defaults::enabled")]
    pub enabled: bool,
    /// `random` only: what the scores are drawn from, together with the item's id.
    #[serde(default)]
    pub seed: u64,
    /// `random` only: how long each batch takes, in milliseconds.
    #[serde(default)]
    pub sleep_ms: u64,
    /// `random` only: the share of batches that fail, 0 to 1.
    #[serde(default)]
    pub fail_rate: f64,
    /// `random` only: the share of batches that panic, 0 to 1.
    #[serde(default)]
    pub panic_rate: f64,
    /// `engagement` only: what scores one half.
    #[serde(default)]
    pub engagement: EngagementSettings,
    /// `recency` only: how fast it fades.
    #[serde(default)]
    pub recency: RecencySettings,
    /// `lookup` only: what is looked up, and where.
    #[serde(default)]
    pub lookup: LookupSettings,
    /// `lexicon` only: the terms.
    #[serde(default)]
    pub lexicon: LexiconSettings,
    /// `http` only: the model server.
    #[serde(default)]
    pub http: HttpSettings,
}

impl ScorerSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("workers", self.workers, 1..=1_024);
        check.within("queue", self.queue, 1..=1_000_000);
        check.within("max_batch", self.max_batch, 1..=1_000_000);
        check.lasting("time_limit_ms", self.time_limit());
        check.finite("default", self.default);
        check.under("scale", |check| self.scale.check(check));
        check.within("cache_entries", self.cache_entries, 0..=100_000_000);
        check.within("fail_rate", self.fail_rate, 0.0..=1.0);
        check.within("panic_rate", self.panic_rate, 0.0..=1.0);
        check.within("max_delay_ms", self.max_delay_ms, 0..=60_000);
        check.within("max_abandoned", self.max_abandoned, 1..=1_024);
        check.lasting("cache_ttl", self.cache_ttl);
        check.under("breaker", |check| self.breaker.check(check));
        self.check_kind(check);
    }

    /// What is particular to a kind is right for that kind, and not there for the others.
    fn check_kind(&self, check: &mut Check) {
        use ScorerKind::{Engagement, Http, Lexicon, Lookup, Random, Recency};
        for (name, kind, unset) in [
            ("seed", Random, self.seed == 0),
            ("sleep_ms", Random, self.sleep_ms == 0),
            ("fail_rate", Random, self.fail_rate == 0.0),
            ("panic_rate", Random, self.panic_rate == 0.0),
            ("engagement", Engagement, is_default(&self.engagement)),
            ("recency", Recency, is_default(&self.recency)),
            ("lookup", Lookup, is_default(&self.lookup)),
            ("lexicon", Lexicon, is_default(&self.lexicon)),
            ("http", Http, is_default(&self.http)),
        ] {
            check.require(name, self.kind == kind || unset, || {
                let kind = format!("{kind:?}").to_lowercase();
                format!("only scorers of the kind {kind} have this")
            });
        }
        match self.kind {
            ScorerKind::Sentiment | Random => {}
            Engagement => check.under("engagement", |check| self.engagement.check(check)),
            Recency => check.under("recency", |check| self.recency.check(check)),
            Lookup => check.under("lookup", |check| self.lookup.check(check)),
            Lexicon => check.under("lexicon", |check| self.lexicon.check(check)),
            Http => check.under("http", |check| self.http.check(check, self.time_limit_ms)),
        }
    }

    /// A scorer of this kind with the defaults of every other key.
    pub fn new(kind: ScorerKind) -> Self {
        Self {
            kind,
            workers: defaults::workers(),
            queue: defaults::queue(),
            max_batch: defaults::max_batch(),
            max_delay_ms: 0,
            time_limit_ms: defaults::time_limit_ms(),
            max_abandoned: defaults::max_abandoned(),
            breaker: BreakerSettings::default(),
            default: 0.0,
            unscored: UnscoredItem::default(),
            scale: ScaleSettings::default(),
            cache_entries: defaults::cache_entries(),
            cache_ttl: defaults::cache_ttl(),
            enabled: defaults::enabled(),
            seed: 0,
            sleep_ms: 0,
            fail_rate: 0.0,
            panic_rate: 0.0,
            engagement: EngagementSettings::default(),
            recency: RecencySettings::default(),
            lookup: LookupSettings::default(),
            lexicon: LexiconSettings::default(),
            http: HttpSettings::default(),
        }
    }

    /// Whether threads started for these settings can do the work of `other`, be there more or fewer of them.
    pub fn works_as(&self, other: &Self) -> bool {
        let outside = Self {
            workers: self.workers,
            time_limit_ms: self.time_limit_ms,
            // A lookup scores absent names by it; to the others it is what a policy puts in place of a score.
            default: if self.kind == ScorerKind::Lookup {
                other.default
            } else {
                self.default
            },
            unscored: self.unscored,
            scale: self.scale,
            ..other.clone()
        };
        *self == outside
    }

    /// `time_limit_ms` as a duration.
    pub fn time_limit(&self) -> Duration {
        Duration::from_millis(self.time_limit_ms)
    }

    pub(super) fn shipped() -> BTreeMap<String, Self> {
        [("sentiment".to_owned(), Self::new(ScorerKind::Sentiment))].into()
    }
}

fn is_default<T: Default + PartialEq>(settings: &T) -> bool {
    *settings == T::default()
}

mod defaults {
    use std::time::Duration;

    pub(super) fn workers() -> usize {
        2
    }

    pub(super) fn queue() -> usize {
        1_024
    }

    pub(super) fn max_batch() -> usize {
        128
    }

    pub(super) fn time_limit_ms() -> u64 {
        200
    }

    pub(super) fn cache_entries() -> usize {
        100_000
    }

    pub(super) fn cache_ttl() -> Duration {
        Duration::from_hours(1)
    }

    pub(super) fn max_abandoned() -> usize {
        4
    }

    pub(super) fn enabled() -> bool {
        true
    }
}
