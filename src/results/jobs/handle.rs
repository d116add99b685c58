//! The handle on jobs.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::{
    Cancellation, Claim, Enqueued, Heartbeat, Job, JobCounts, JobFilter, JobId, JobPage, Lease,
    Limits, NewJob, Outcome, Replay, Settled, Worker,
};
use crate::results::Results;
use crate::results::error::ResultsError;
use crate::results::store::Change;

/// The jobs of a results store; made by [`Results::jobs`]. Calls keep the limits of [`Results`].
#[derive(Clone)]
pub struct Jobs {
    results: Results,
    limits: Limits,
}

impl Jobs {
    pub(in crate::results) fn new(results: Results, limits: Limits) -> Self {
        Self { results, limits }
    }

    /// Takes a job in. Once this has returned, the job runs at least once, whatever ends in between.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, ResultsError> {
        let limits = self.limits;
        self.results
            .call(|inner| async move { inner.store.enqueue(&job, &limits).await })
            .await
    }

    /// Leases the first job that is ready to `worker`, for `lease` from now.
    pub async fn claim(&self, worker: &Worker, lease: Duration) -> Result<Claim, ResultsError> {
        let (worker, limits) = (worker.clone(), self.limits);
        self.results
            .call_of("jobs", |inner| async move {
                inner.store.claim(&worker, lease, &limits).await
            })
            .await
    }

    /// Extends a lease to `extension` from now, and notes how far the run has come.
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        extension: Duration,
        progress: Option<Value>,
    ) -> Result<Heartbeat, ResultsError> {
        let (id, token) = (lease.id, lease.token);
        self.results
            .call(|inner| async move {
                inner
                    .store
                    .heartbeat(id, token, extension, progress.as_ref())
                    .await
            })
            .await
    }

    /// Ends a run. May be called again when it failed; what has been overtaken changes nothing.
    pub async fn settle(&self, lease: &Lease, outcome: Outcome) -> Result<Settled, ResultsError> {
        let (id, token, limits) = (lease.id, lease.token, self.limits);
        self.results
            .call(|inner| async move { inner.store.settle(id, token, &outcome, &limits).await })
            .await
    }

    /// Stores a JSON value under `key` for `ttl`, as [`Results::put`] does, unless the run `token` of the job has been
    /// overtaken or has ended.
    pub async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &str,
        value: &Value,
        ttl: Duration,
    ) -> Result<Settled, ResultsError> {
        let (key, value) = self.results.entry(key, value.to_string().into_bytes())?;
        self.results
            .call(|inner| async move { inner.store.put_fenced(id, token, &key, &value, ttl).await })
            .await
    }

    /// Cancels a waiting job and asks a running one to end.
    pub async fn cancel(&self, id: JobId) -> Result<Cancellation, ResultsError> {
        let limits = self.limits;
        self.results
            .call(|inner| async move { inner.store.cancel(id, &limits).await })
            .await
    }

    /// Queues a dead job again, as if it were new.
    pub async fn replay(&self, id: JobId) -> Result<Replay, ResultsError> {
        self.results
            .call(|inner| async move { inner.store.replay(id).await })
            .await
    }

    /// Takes back the leases of an owner that is known to be dead; how many there were.
    pub async fn recover(&self, owner: &str) -> Result<u64, ResultsError> {
        let (owner, limits) = (owner.to_owned(), self.limits);
        self.results
            .call(|inner| async move { inner.store.recover(&owner, &limits).await })
            .await
    }

    /// A job with its result, unless it was never there or is forgotten.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, ResultsError> {
        self.results
            .call(|inner| async move { inner.store.job(id).await })
            .await
    }

    /// Follows a job for as long as the receiver lives: its end and a wish to cancel it are seen at once, the rest within
    /// about a second.
    pub fn watch(&self, id: JobId) -> watch::Receiver<Option<Job>> {
        self.results
            .follow(Change::Job(id), move |inner| async move {
                inner.store.job(id).await
            })
    }

    /// A page of jobs without their results, newest first.
    pub async fn list(&self, filter: JobFilter) -> Result<JobPage, ResultsError> {
        self.results
            .call(|inner| async move { inner.store.jobs(&filter).await })
            .await
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<JobCounts, ResultsError> {
        self.results
            .call(|inner| async move { inner.store.counts().await })
            .await
    }
}
