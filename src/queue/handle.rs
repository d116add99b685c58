//! The queue: jobs with leases.
//!
//! Times are those of the store's clock. The cost of enqueuing and claiming does not grow with the queue, beyond the
//! logarithm that an index takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::redis::RedisQueue;
use super::sql::SqlQueue;
use super::{
    Cancellation, Claim, Enqueued, Heartbeat, JobCounts, JobFilter, JobId, JobPage, JobRecord,
    Lease, NewJob, Outcome, Replay, Schedules, Settled, Worker,
};
use crate::settings::JobsSettings;
use crate::store::backend::{Backend, Change, on_backend};
use crate::store::watch::follow;
use crate::store::{Store, StoreError};

/// Bounds of a queue: what `[jobs]` says of it.
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

impl From<&JobsSettings> for QueueLimits {
    fn from(settings: &JobsSettings) -> Self {
        Self {
            max_lost: settings.max_lost,
            keep: settings.failed_ttl,
            max_unfinished: settings.max_unfinished,
            max_finished: settings.max_finished,
        }
    }
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self::from(&JobsSettings::default())
    }
}

/// Why a job was not enqueued.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueueError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue holds as many unfinished jobs as it may.
    #[error("the queue is full: {limit} jobs have not finished")]
    Full {
        /// The limit.
        limit: u64,
    },
}

/// The queue in a store; clones share it. Calls keep the time limits of [`Store`].
#[derive(Clone)]
pub struct JobQueue {
    pub(super) store: Store,
    pub(super) backend: Backend<RedisQueue, SqlQueue>,
    pub(super) limits: QueueLimits,
}

impl JobQueue {
    /// Returns the queue in `store`.
    pub fn new(store: &Store, limits: QueueLimits) -> Self {
        let backend = match store.backend() {
            Backend::Redis(store) => Backend::Redis(Arc::new(RedisQueue::new(Arc::clone(store)))),
            Backend::Sql(store) => Backend::Sql(Arc::new(SqlQueue::new(Arc::clone(store)))),
        };
        Self {
            store: store.clone(),
            backend,
            limits,
        }
    }

    /// Takes a job in. Once this has returned, the job runs at least once, whatever ends in between.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, QueueError> {
        let limits = self.limits;
        let enqueued = self
            .store
            .call(on_backend!(self.backend, enqueue(&job, &limits)))
            .await?;
        enqueued.ok_or(self.full())
    }

    /// Leases the first job that is ready to `worker`, of those that it can run, for `lease` from now: the one with the highest
    /// priority, and of equals the one that has been ready for longest.
    pub async fn claim(&self, worker: &Worker, lease: Duration) -> Result<Claim, StoreError> {
        let (worker, limits) = (worker.clone(), self.limits);
        self.store
            .call_for(
                "jobs",
                on_backend!(self.backend, claim(&worker, lease, &limits)),
            )
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
            .call(on_backend!(
                self.backend,
                heartbeat(id, token, extension, progress.as_ref())
            ))
            .await
    }

    /// Ends a run. May be called again when it failed; what has been overtaken changes nothing.
    pub async fn settle(&self, lease: &Lease, outcome: Outcome) -> Result<Settled, StoreError> {
        let (id, token, limits) = (lease.id, lease.token, self.limits);
        self.store
            .call(on_backend!(
                self.backend,
                settle(id, token, &outcome, &limits)
            ))
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
            .call(on_backend!(
                self.backend,
                put_fenced(id, token, &key, &value, ttl)
            ))
            .await
    }

    /// Cancels a waiting job and asks a running one to end.
    pub async fn cancel(&self, id: JobId) -> Result<Cancellation, StoreError> {
        let limits = self.limits;
        self.store
            .call(on_backend!(self.backend, cancel(id, &limits)))
            .await
    }

    /// Queues a dead job again, as if it were new.
    pub async fn replay(&self, id: JobId) -> Result<Replay, StoreError> {
        self.store.call(on_backend!(self.backend, replay(id))).await
    }

    /// Takes back the leases of an owner that is known to be dead; how many there were.
    pub async fn recover(&self, owner: &str) -> Result<u64, StoreError> {
        let (owner, limits) = (owner.to_owned(), self.limits);
        self.store
            .call(on_backend!(self.backend, recover(&owner, &limits)))
            .await
    }

    /// A job with its result, unless it was never there or is forgotten.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        self.store.call(on_backend!(self.backend, job(id))).await
    }

    /// Follows a job for as long as the receiver lives: its end and a wish to cancel it are seen at once, the rest within
    /// about a second.
    pub fn watch(&self, id: JobId) -> watch::Receiver<Option<JobRecord>> {
        let queue = self.clone();
        follow(&self.store, Change::Job(id), move || {
            let queue = queue.clone();
            async move { queue.job(id).await }
        })
    }

    /// A page of jobs without their results, newest first.
    pub async fn list(&self, filter: JobFilter) -> Result<JobPage, StoreError> {
        self.store
            .call(on_backend!(self.backend, jobs(&filter)))
            .await
    }

    /// How many jobs are in each state.
    pub async fn counts(&self) -> Result<JobCounts, StoreError> {
        self.store.call(on_backend!(self.backend, counts())).await
    }

    /// Counts the queued jobs by name, but for those of `known`. The cost grows with the names and, in a database, with the
    /// jobs that are counted.
    pub async fn queued_except(
        &self,
        known: BTreeSet<String>,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        self.store
            .call(on_backend!(self.backend, queued_except(&known)))
            .await
    }

    /// Returns the schedules of this queue.
    pub fn schedules(&self) -> Schedules {
        Schedules {
            queue: self.clone(),
        }
    }

    pub(super) fn full(&self) -> QueueError {
        QueueError::Full {
            limit: self.limits.max_unfinished,
        }
    }
}
