use std::sync::atomic::AtomicU64;

use serde::Serialize;

/// What a pool has done so far, in items unless named otherwise.
#[derive(Debug, Default, Serialize)]
pub struct PoolCounters {
    /// Score requests taken.
    pub requests: AtomicU64,
    /// Scored, by a worker or on the spot.
    pub scored: AtomicU64,
    /// Answered from the cache, or by a formula.
    pub cached: AtomicU64,
    /// Answered with the score of an equal item that was under way.
    pub coalesced: AtomicU64,
    /// The scorer failed, panicked or gave no usable result.
    pub failed: AtomicU64,
    /// Refused because the queue was full.
    pub queue_full: AtomicU64,
    /// Refused because the breaker was open.
    pub breaker_open: AtomicU64,
    /// Left the queue after their deadline, unscored.
    pub expired: AtomicU64,
    /// Left the queue after the asker had gone, unscored.
    pub abandoned: AtomicU64,
    /// In batches that took too long.
    pub overran: AtomicU64,
    /// Panics of the scorer.
    pub panics: AtomicU64,
    /// Threads that take work.
    pub workers: AtomicU64,
    /// Threads left behind with batches that took too long.
    pub strays: AtomicU64,
    /// The breaker: 0 closed, 1 half open, 2 open.
    pub breaker: AtomicU64,
    /// Batches that wait for a thread.
    pub queued: AtomicU64,
}
