//! What a backend does for jobs.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    Cancellation, Claim, Enqueued, Heartbeat, Job, JobCounts, JobFilter, JobId, JobPage, NewJob,
    Outcome, Replay, Settled, Worker,
};
use crate::results::error::ResultsError;
use crate::results::keys::Key;

/// What bounds a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
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

impl Default for Limits {
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
pub trait JobStore: Send + Sync + 'static {
    /// Takes a job in.
    async fn enqueue(&self, job: &NewJob, limits: &Limits) -> Result<Enqueued, ResultsError>;

    /// Leases the first job that is ready. Jobs that are due and leases that have run out are seen to first.
    async fn claim(
        &self,
        worker: &Worker,
        lease: Duration,
        limits: &Limits,
    ) -> Result<Claim, ResultsError>;

    /// Extends a lease to `lease` from now, and notes how far the run has come.
    async fn heartbeat(
        &self,
        id: JobId,
        token: u64,
        lease: Duration,
        progress: Option<&Value>,
    ) -> Result<Heartbeat, ResultsError>;

    /// Ends a run. The same call made twice is done twice over: the second changes nothing.
    async fn settle(
        &self,
        id: JobId,
        token: u64,
        outcome: &Outcome,
        limits: &Limits,
    ) -> Result<Settled, ResultsError>;

    /// Stores a value as [`crate::results::KeyValue::put`] does, if the run still holds its lease.
    async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<Settled, ResultsError>;

    /// Cancels a waiting job and asks a running one to end.
    async fn cancel(&self, id: JobId, limits: &Limits) -> Result<Cancellation, ResultsError>;

    /// Queues a dead job again.
    async fn replay(&self, id: JobId) -> Result<Replay, ResultsError>;

    /// Takes back the leases of an owner that is known to be dead; how many there were.
    async fn recover(&self, owner: &str, limits: &Limits) -> Result<u64, ResultsError>;

    /// A job with its result, unless it was never there or is forgotten.
    async fn job(&self, id: JobId) -> Result<Option<Job>, ResultsError>;

    /// A page of jobs without their results.
    async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, ResultsError>;

    /// How many jobs are in each state.
    async fn counts(&self) -> Result<JobCounts, ResultsError>;
}
