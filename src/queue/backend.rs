//! What a backend does for jobs.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobFilter, JobId, JobPage, JobRecord,
    NewJob, Outcome, Replay, Settled, Worker,
};
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// What bounds a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Leases that one job may lose before it is buried: a job that takes its process along each time would be run
    /// forever.
    pub max_lost: u32,
    /// How long a job that was buried by the store, or cancelled while it waited, can be looked up.
    pub keep: Duration,
    /// Unfinished jobs. In a database the limit is kept to within what other processes take in during a second or two.
    pub max_unfinished: u64,
    /// Finished jobs in Redis; past it those go first that would be forgotten first.
    pub max_finished: u64,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            max_lost: 20,
            keep: Duration::from_hours(7 * 24),
            max_unfinished: 5_000_000,
            max_finished: 100_000,
        }
    }
}

/// A queue of jobs with leases. Times are those of the store's clock; the cost of enqueue and claim does not grow with
/// the queue, beyond the logarithm that an index takes.
#[async_trait]
pub(crate) trait JobStore: Send + Sync + 'static {
    /// Takes a job in.
    async fn enqueue(&self, job: &NewJob, limits: &QueueLimits) -> Result<Enqueued, StoreError>;

    /// Leases the first job that is ready. Jobs that are due and leases that have run out are seen to first.
    async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &QueueLimits,
    ) -> Result<Claim, StoreError>;

    /// Extends a lease to `lease` from now, and notes how far the run has come.
    async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, StoreError>;

    /// Ends a run. The same call made twice is done twice over: the second changes nothing.
    async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &QueueLimits,
    ) -> Result<Settled, StoreError>;

    /// Stores a value as [`crate::store::KeyValue::put`] does, if the run still holds its lease.
    async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, StoreError>;

    /// Cancels a waiting job and asks a running one to end.
    async fn cancel(&self, id: JobId, limits: &QueueLimits) -> Result<Cancellation, StoreError>;

    /// Queues a dead job again.
    async fn replay(&self, id: JobId) -> Result<Replay, StoreError>;

    /// Takes back the leases of an owner that is known to be dead; how many there were.
    async fn recover(&self, owner: &str, limits: &QueueLimits) -> Result<u64, StoreError>;

    /// A job with its result, unless it was never there or is forgotten.
    async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError>;

    /// A page of jobs without their results.
    async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, StoreError>;

    /// How many jobs are in each state.
    async fn counts(&self) -> Result<JobCounts, StoreError>;
}
