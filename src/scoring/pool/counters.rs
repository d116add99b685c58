use std::sync::atomic::AtomicU64;

use serde::Serialize;

/// What a pool has done so far, in items unless named otherwise.
#[derive(Debug, Default, Serialize)]
pub struct PoolCounters {
    /// Score requests taken.
    pub requests: AtomicU64,
    /// Scored by a worker.
    pub scored: AtomicU64,
    /// Answered from the cache.
    pub cached: AtomicU64,
    /// The scorer failed, panicked or gave no usable result.
    pub failed: AtomicU64,
    /// Refused because the queue was full.
    pub queue_full: AtomicU64,
    /// Left the queue after their deadline, unscored.
    pub expired: AtomicU64,
    /// Left the queue after the asker had gone, unscored.
    pub abandoned: AtomicU64,
    /// Panics of the scorer.
    pub panics: AtomicU64,
    /// Threads alive.
    pub workers: AtomicU64,
    /// Batches that wait for a thread.
    pub queued: AtomicU64,
}
