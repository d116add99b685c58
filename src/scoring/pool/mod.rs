//! A scorer's pool: threads on one bounded queue, a cache before them, resized while it works.

mod cache;
mod counters;
mod job;
mod worker;
mod worker_pool;

pub use counters::PoolCounters;
pub use job::{ScoreRequest, Scored};
pub use worker_pool::{PoolConfig, Recalled, WorkerPool};
