//! A scorer's pool: threads on one bounded queue, a cache before them, a breaker around them, resized while it works.

mod batch;
mod batch_time;
mod breaker;
mod cache;
mod config;
mod counters;
mod failures;
mod in_flight;
mod job;
mod overruns;
mod recall;
mod request;
mod shared;
mod worker;
mod worker_pool;

pub use config::{BreakerConfig, PoolConfig};
pub use counters::PoolCounters;
pub(crate) use failures::counter as failure_counter;
pub use failures::{FailureCount, FailureReport};
pub use recall::Recalled;
pub use request::{ScoreRequest, Scored, Timing};
pub use worker_pool::WorkerPool;
