use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::check::Check;

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
    /// Longest time a request waits for this scorer, in milliseconds; the ranking deadline ends it sooner.
    #[serde(default = "defaults::time_limit_ms")]
    pub time_limit_ms: u64,
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
        let is_random = self.kind == ScorerKind::Random;
        for (name, unset) in [
            ("seed", self.seed == 0),
            ("sleep_ms", self.sleep_ms == 0),
            ("fail_rate", self.fail_rate == 0.0),
            ("panic_rate", self.panic_rate == 0.0),
        ] {
            check.require(name, is_random || unset, || {
                "only scorers of the kind random have this".to_owned()
            });
        }
    }

    /// A scorer of this kind with the defaults of every other key.
    pub fn new(kind: ScorerKind) -> Self {
        Self {
            kind,
            workers: defaults::workers(),
            queue: defaults::queue(),
            max_batch: defaults::max_batch(),
            time_limit_ms: defaults::time_limit_ms(),
            default: 0.0,
            unscored: UnscoredItem::default(),
            scale: ScaleSettings::default(),
            cache_entries: defaults::cache_entries(),
            enabled: defaults::enabled(),
            seed: 0,
            sleep_ms: 0,
            fail_rate: 0.0,
            panic_rate: 0.0,
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

mod defaults {
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

    pub(super) fn enabled() -> bool {
        true
    }
}
