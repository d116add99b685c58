use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

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

/// `[scorers.NAME] breaker`: when a scorer that fails is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerSettings {
    /// After so many failed batches in a row; 0 for never.
    pub failures: u32,
    /// For how long at first; it doubles with each trial that fails, up to 32 times this.
    #[serde(deserialize_with = "text::duration")]
    pub pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }
}

/// `[scorers.NAME] scale`: the same for every request, so that scores stay comparable between requests.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleSettings {
    /// Raw scores below count as this.
    pub lowest: f64,
    /// Raw scores above count as this.
    pub highest: f64,
    /// What the result is multiplied by.
    pub factor: f64,
}

impl Default for ScaleSettings {
    fn default() -> Self {
        Self {
            lowest: -1e9,
            highest: 1e9,
            factor: 1.0,
        }
    }
}

/// What happens to an item that a scorer failed to score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnscoredItem {
    /// It is weighed by the scorer's `default`.
    #[default]
    Default,
    /// It keeps its incoming place.
    KeepPosition,
}

/// What scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorerKind {
    /// How positive a text is, -1 to 1.
    Sentiment,
    /// Drawn from seed and item id; for tests and drills.
    Random,
    /// How much an item is engaged with, 0 to 1, comparable between platforms.
    Engagement,
    /// How new an item is, 0 to 1.
    Recency,
    /// A number by author, post, domain, user or language from a result key.
    Lookup,
    /// The sum of the weights of the terms in a text.
    Lexicon,
    /// What a model server answers.
    Http,
}

impl ScorerSettings {
    pub(super) fn check(&self, check: &mut Check) {
        check.within("workers", self.workers, 1..=1_024);
        check.within("queue", self.queue, 1..=1_000_000);
        check.within("max_batch", self.max_batch, 1..=1_000_000);
        check.lasting("time_limit_ms", self.time_limit());
        check.finite("default", self.default);
        check.under("scale", |check| {
            check.finite("factor", self.scale.factor);
            check.finite("lowest", self.scale.lowest);
            check.finite("highest", self.scale.highest);
            check.require("highest", self.scale.lowest <= self.scale.highest, || {
                "must not be below lowest".to_owned()
            });
        });
        check.within("cache_entries", self.cache_entries, 0..=100_000_000);
        check.within("fail_rate", self.fail_rate, 0.0..=1.0);
        check.within("panic_rate", self.panic_rate, 0.0..=1.0);
        check.within("max_delay_ms", self.max_delay_ms, 0..=60_000);
        check.within("max_abandoned", self.max_abandoned, 1..=1_024);
        check.lasting("cache_ttl", self.cache_ttl);
        check.under("breaker", |check| {
            check.lasting("pause", self.breaker.pause);
        });
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
            default: self.default,
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
