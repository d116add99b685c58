//! Scorer pools: threads on one bounded queue behind a cache and a breaker, resized while they work.

mod ask;
mod batch;
mod breaker;
mod cache;
mod config;
mod failures;
mod handle;
mod in_flight;
mod request;
mod shared;
mod slow_items;
mod worker;
mod worker_pool;

pub use config::{BreakerConfig, PoolConfig};
pub(crate) use failures::counter as failure_counter;
pub use failures::{FailureCount, FailureReport};
pub use handle::PoolHandle;
pub use request::{BatchScores, Timing};
pub use shared::PoolCounters;
pub use worker_pool::WorkerPool;
