//! The handle on jobs.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobFilter, JobId, JobPage, JobRecord,
    Lease, NewJob, Outcome, QueueLimits, Replay, Settled, Worker,
};
use crate::store::Store;
use crate::store::backend::Change;
use crate::store::error::StoreError;

/// The jobs of a results store; made by [`Self::new`]. Calls keep the time limits of [`Store`].
#[derive(Clone)]
pub struct JobQueue {
    store: Store,
    limits: QueueLimits,
}

impl JobQueue {
    /// Returns the queue in `store`.
    pub fn new(store: &Store, limits: QueueLimits) -> Self {
        Self {
            store: store.clone(),
            limits,
        }
    }

    /// Takes a job in. Once this has returned, the job runs at least once, whatever ends in between.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let limits = self.limits;
        self.store
            .call(|inner| async move { inner.store.enqueue(&job, &limits).await })
            .await
    }

    /// Leases the first job that is ready to `worker`, for `lease` from now.
    pub async fn claim(&self, worker: &Worker, lease: Duration) -> Result<Claim, StoreError> {
        let (worker, limits) = (worker.clone(), self.limits);
        self.store
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
    ) -> Result<Heartbeat, StoreError> {
        let (id, token) = (lease.id, lease.token);
        self.store
            .call(|inner| async move {
                inner
                    .store
                    .heartbeat(id, token, extension, progress.as_ref())
                    .await
            })
            .await
    }

    /// Ends a run. May be called again when it failed; what has been overtaken changes nothing.
    pub async fn settle(&self, lease: &Lease, outcome: Outcome) -> Result<Settled, StoreError> {
        let (id, token, limits) = (lease.id, lease.token, self.limits);
        self.store
            .call(|inner| async move { inner.store.settle(id, token, &outcome, &limits).await })
            .await
    }

    /// Stores a JSON value under `key` for `ttl`, as [`Store::put`] does, unless the run `token` of the job has been
    /// overtaken or has ended.
    pub async fn put_fenced(
        &self,
        id: JobId,
        token: u64,
        key: &str,
        value: &Value,
        ttl: Duration,
    ) -> Result<Settled, StoreError> {
        let (key, value) = self.store.entry(key, value.to_string().into_bytes())?;
        self.store
            .call(|inner| async move { inner.store.put_fenced(id, token, &key, &value, ttl).await })
            .await
    }

    /// Cancels a waiting job and asks a running one to end.
    pub async fn cancel(&self, id: JobId) -> Result<Cancellation, StoreError> {
        let limits = self.limits;
        self.store
            .call(|inner| async move { inner.store.cancel(id, &limits).await })
            .await
    }

    /// Queues a dead job again, as if it were new.
    pub async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        self.store
            .call(|inner| async move { inner.store.replay(id).await })
            .await
    }

    /// Takes back the leases of an owner that is known to be dead; how many there were.
    pub async fn recover(&self, owner: &str) -> Result<u64, StoreError> {
        let (owner, limits) = (owner.to_owned(), self.limits);
        self.store
            .call(|inner| async move { inner.store.recover(&owner, &limits).await })
            .await
    }

    /// A job with its result, unless it was never there or is forgotten.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.store
            .call(|inner| async move { inner.store.job(id).await })
            .await
    }

    /// Follows a job for as long as the receiver lives: its end and a wish to cancel it are seen at once, the rest within
    /// about a second.
    pub fn watch(&self, id: JobId) -> watch::Receiver<Option<JobRecord>> {
        self.store.follow(Change::Job(id), move |inner| async move {
            inner.store.job(id).await
        })
    }

    /// A page of jobs without their results, newest first.
    pub async fn list(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.store
            .call(|inner| async move { inner.store.jobs(&filter).await })
            .await
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<JobCounts, StoreError> {
        self.store
            .call(|inner| async move { inner.store.counts().await })
            .await
    }
}
