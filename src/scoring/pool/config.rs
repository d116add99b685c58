use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{Check, text};

/// Keys of `[scorers.NAME]` about its pool: sizes and bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoolConfig {
    /// Threads.
    pub workers: usize,
    /// Most batches that wait for a thread; past it a request goes without this score.
    pub queue: usize,
    /// Most items in a batch.
    pub max_batch: usize,
    /// How long a thread waits for a batch to become full; items of several requests share it then.
    #[serde(with = "text::duration")]
    pub max_delay: Duration,
    /// Longest time that a request waits for this scorer, and that a batch may take. A batch that takes longer is abandoned, and
    /// its thread replaced.
    #[serde(with = "text::duration")]
    pub time_limit: Duration,
    /// Most threads abandoned with their batches at once. While there are as many, the breaker is open.
    pub max_abandoned: usize,
    /// Scores in the cache; 0 for no cache.
    pub cache_entries: usize,
    /// Time for which a score is cached, and a slow item is not scored.
    #[serde(with = "text::duration")]
    pub cache_ttl: Duration,
    /// When the breaker opens.
    pub breaker: BreakerConfig,
}

/// When the breaker of a scorer opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerConfig {
    /// Failed batches in a row after which it opens; 0 for never.
    pub failures: u32,
    /// Time for which it stays open at first. The time doubles with each trial that fails, up to 32 times this.
    #[serde(with = "text::duration")]
    pub pause: Duration,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            queue: 1_024,
            max_batch: 128,
            max_delay: Duration::ZERO,
            time_limit: Duration::from_millis(200),
            max_abandoned: 4,
            cache_entries: 100_000,
            cache_ttl: Duration::from_hours(1),
            breaker: BreakerConfig::default(),
        }
    }
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failures: 10,
            pause: Duration::from_secs(1),
        }
    }
}

impl PoolConfig {
    pub(in crate::scoring) fn check(&self, check: &mut Check) {
        check.within("workers", self.workers, 1..=1_024);
        check.within("queue", self.queue, 1..=1_000_000);
        check.within("max_batch", self.max_batch, 1..=1_000_000);
        check.at_most("max_delay", self.max_delay, Duration::from_mins(1));
        check.lasting("time_limit", self.time_limit);
        check.within("max_abandoned", self.max_abandoned, 1..=1_024);
        check.within("cache_entries", self.cache_entries, 0..=100_000_000);
        check.lasting("cache_ttl", self.cache_ttl);
        check.under("breaker", |check| {
            check.lasting("pause", self.breaker.pause);
        });
    }
}
