use std::time::Duration;

/// The size and bounds of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Threads.
    pub workers: usize,
    /// Batches that may wait for a thread.
    pub queue: usize,
    /// Items in a batch.
    pub max_batch: usize,
    /// How long a thread waits for a batch to become full; items of several requests share it then.
    pub max_delay: Duration,
    /// How long a batch may take; then it is abandoned, and another thread takes the place of its own.
    pub time_limit: Duration,
    /// The most threads that are left behind with abandoned batches at once. While there are so many the breaker is open.
    pub max_abandoned: usize,
    /// Scores to remember; 0 remembers none.
    pub cache_entries: usize,
    /// How long a score is remembered, and an item that took too long is not tried again.
    pub cache_ttl: Duration,
    /// When a scorer that fails is left alone.
    pub breaker: BreakerConfig,
}

/// When a scorer that fails is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerConfig {
    /// After so many failed batches in a row; 0 for never.
    pub failures: u32,
    /// For how long at first. It doubles with each trial that fails, up to 32 times this.
    pub pause: Duration,
}

impl Default for PoolConfig {
    /// One thread, generous bounds, no memory and no breaker.
    fn default() -> Self {
        Self {
            workers: 1,
            queue: 1_024,
            max_batch: 128,
            max_delay: Duration::ZERO,
            time_limit: Duration::from_mins(1),
            max_abandoned: 4,
            cache_entries: 0,
            cache_ttl: Duration::from_hours(1),
            breaker: BreakerConfig {
                failures: 0,
                pause: Duration::from_secs(1),
            },
        }
    }
}
