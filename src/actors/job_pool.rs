use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OnceCell, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::jobs::{JobResources, Registry};
use crate::results::jobs::{Jobs, Worker};
use crate::settings::JobsSettings;

/// Time after which the store is asked again after it was away.
const STORE_RETRY: Duration = Duration::from_millis(250);
/// What runs may take, past the grace, to end and to hand their jobs back.
const HANDING_BACK: Duration = Duration::from_secs(2);

/// What the workers of one Weir share: what they work with, whether they may, and how much is going on.
pub struct JobPool {
    pub(super) parts: JobPoolParts,
    /// Rung when there is work; rings one worker that waits.
    pub(super) work: Notify,
    pub(super) phase: watch::Sender<Phase>,
    /// A permit for each abandoned run that may still be going.
    pub(super) strays: Arc<Semaphore>,
    opened: OnceCell<()>,
    open: watch::Sender<bool>,
    /// Workers that have a job, or may be about to.
    at_work: watch::Sender<usize>,
}

/// What a pool works with.
pub struct JobPoolParts {
    /// The kinds of jobs.
    pub registry: Registry,
    /// What jobs may use.
    pub resources: JobResources,
    /// Leases, limits and times.
    pub settings: JobsSettings,
    /// The name of this Weir in leases: the next one on the same data folder takes them back by it.
    pub owner: String,
    /// The name of this instance for people, which jobs show.
    pub instance: String,
    /// Where jobs run: no actor's thread.
    pub runtime: Handle,
    /// Kept up to date.
    pub counters: Arc<JobCounters>,
}

/// What became of the runs so far.
#[derive(Debug, Default, Serialize)]
pub struct JobCounters {
    /// Jobs taken in.
    pub enqueued: AtomicU64,
    /// Leases of an earlier process that were taken back.
    pub recovered: AtomicU64,
    /// Runs begun.
    pub started: AtomicU64,
    /// Runs going on.
    pub running: AtomicU64,
    /// Runs that gave a result.
    pub succeeded: AtomicU64,
    /// Runs that failed and are tried again.
    pub retried: AtomicU64,
    /// Runs that failed for good.
    pub died: AtomicU64,
    /// Runs ended by request.
    pub cancelled: AtomicU64,
    /// Runs whose jobs went back to the queue unfinished.
    pub released: AtomicU64,
    /// Runs that had lost their lease when they ended.
    pub overtaken: AtomicU64,
    /// Runs given up at their hard limit.
    pub abandoned: AtomicU64,
}

/// What workers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Take jobs and run them.
    Working,
    /// Take none, finish those at hand.
    Draining,
    /// Hand back those at hand.
    Releasing,
}

/// A worker that counts as at work until this is dropped.
pub(super) struct AtWork {
    pool: Arc<JobPool>,
}

/// A run that counts as going on until this is dropped.
pub(super) struct Running {
    pool: Arc<JobPool>,
    _at_work: AtWork,
}

impl JobPool {
    /// A pool that takes no job before `open`.
    pub fn new(parts: JobPoolParts) -> Arc<Self> {
        Arc::new(Self {
            work: Notify::new(),
            phase: watch::Sender::new(Phase::Working),
            strays: Arc::new(Semaphore::new(parts.settings.max_abandoned)),
            opened: OnceCell::new(),
            open: watch::Sender::new(false),
            at_work: watch::Sender::new(0),
            parts,
        })
    }

    /// Once the database is `prepared`, takes back what an earlier process of the same owner had leased, and lets the
    /// workers begin. Later calls find it done.
    pub(super) async fn open(&self, mut prepared: watch::Receiver<bool>) {
        let recover = || async move {
            if prepared.wait_for(|&prepared| prepared).await.is_err() {
                // It never will be.
                std::future::pending::<()>().await;
            }
            let recovered = self.recover().await;
            self.counters()
                .recovered
                .store(recovered, Ordering::Relaxed);
            if recovered > 0 {
                tracing::info!(recovered, "jobs of an earlier process are queued again");
            }
        };
        self.opened.get_or_init(recover).await;
        self.open.send_replace(true);
    }

    async fn recover(&self) -> u64 {
        loop {
            match self.jobs().recover(&self.parts.owner).await {
                Ok(recovered) => return recovered,
                // The results have logged it.
                Err(_) => sleep(STORE_RETRY).await,
            }
        }
    }

    /// Waits until there is a database to work on and nothing of an earlier process is left.
    pub(super) async fn opened(&self) {
        // The sender is in `self`, so there is no error.
        let _ = self.open.subscribe().wait_for(|&open| open).await;
    }

    /// Takes no more jobs; those at hand go on.
    pub fn stop_taking(&self) {
        self.phase.send_if_modified(|phase| {
            let was_working = *phase == Phase::Working;
            if was_working {
                *phase = Phase::Draining;
            }
            was_working
        });
    }

    /// Gives the jobs at hand up to `grace` to finish; those that do not go back to the queue.
    pub async fn drain(&self, grace: Duration) {
        self.stop_taking();
        if self.nobody_is_at_work_within(grace).await {
            return;
        }
        self.phase.send_replace(Phase::Releasing);
        if !self.nobody_is_at_work_within(HANDING_BACK).await {
            let running = *self.at_work.borrow();
            tracing::warn!(running, "jobs did not end, the next weir takes them back");
        }
    }

    async fn nobody_is_at_work_within(&self, limit: Duration) -> bool {
        let mut at_work = self.at_work.subscribe();
        let nobody = at_work.wait_for(|&workers| workers == 0);
        timeout(limit, nobody).await.is_ok()
    }

    pub(super) fn jobs(&self) -> &Jobs {
        &self.parts.resources.jobs
    }

    pub(super) fn counters(&self) -> &JobCounters {
        &self.parts.counters
    }

    pub(super) fn worker(&self, name: &str) -> Worker {
        Worker {
            owner: self.parts.owner.clone(),
            name: name.to_owned(),
            instance: self.parts.instance.clone(),
        }
    }

    /// To be had before the phase is looked at, so that a drain waits for the job that is leased next.
    pub(super) fn at_work(self: &Arc<Self>) -> AtWork {
        self.at_work.send_modify(|workers| *workers += 1);
        AtWork {
            pool: Arc::clone(self),
        }
    }

    pub(super) fn begin_run(self: &Arc<Self>, at_work: AtWork) -> Running {
        self.counters().started.fetch_add(1, Ordering::Relaxed);
        self.counters().running.fetch_add(1, Ordering::Relaxed);
        Running {
            pool: Arc::clone(self),
            _at_work: at_work,
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.pool.at_work.send_modify(|workers| *workers -= 1);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pool.counters().running.fetch_sub(1, Ordering::Relaxed);
    }
}
