use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OnceCell, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::jobs::{JobResources, KnownJobs, Registry, STORE_RETRY};
use crate::queue::{JobQueue, Worker};
use crate::settings::JobsSettings;
use weir_supervision::counters;

/// Time that runs have after the grace period to end and to release their jobs.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// Everything that the job workers of an instance share.
pub struct WorkerContext {
    /// Kinds of jobs.
    pub(crate) registry: Registry,
    /// Names of the jobs that the workers claim.
    known: KnownJobs,
    /// What jobs may use.
    pub(crate) resources: JobResources,
    /// Leases, limits and times.
    pub(crate) settings: JobsSettings,
    /// Runtime that jobs run on, which is no actor's thread.
    pub(crate) runtime: Handle,
    /// Counters of all runs.
    pub(crate) counters: Arc<JobCounters>,
    /// Notified when there is work; wakes one idle worker.
    pub(crate) wakeup: Notify,
    pub(crate) phase: watch::Sender<Phase>,
    /// A permit for each abandoned run that may still execute.
    pub(super) orphaned_runs: Arc<Semaphore>,
    owner: String,
    instance: String,
    recovered: OnceCell<()>,
    ready: watch::Sender<bool>,
    /// Number of workers that have a job, or may be about to.
    busy: watch::Sender<usize>,
}

/// Parts of a [`WorkerContext`].
pub struct WorkerDeps {
    /// Kinds of jobs.
    pub registry: Registry,
    /// What jobs may use.
    pub resources: JobResources,
    /// Leases, limits and times.
    pub settings: JobsSettings,
    /// Name of this instance in leases: the next one on the same data folder recovers them by it.
    pub owner: String,
    /// Name of this instance for people, which jobs show.
    pub instance: String,
    /// Runtime that jobs run on, which is no actor's thread.
    pub runtime: Handle,
}

counters! {
    /// Counters of jobs and their runs.
    #[derive(Debug, Default, Serialize)]
    pub struct JobCounters {
        /// Jobs enqueued.
        pub enqueued: Counter "weir_jobs_enqueued_total",
        /// Leases of an earlier process that were taken back.
        pub recovered: Counter "weir_jobs_leases_recovered_total",
        /// Runs started.
        pub started: Counter "weir_jobs_runs_started_total",
        /// Runs in progress.
        pub running: Gauge "weir_jobs_runs_in_progress",
        /// Runs that gave a result.
        pub succeeded: Counter "weir_jobs_runs_succeeded_total",
        /// Runs that failed and are tried again.
        pub retried: Counter "weir_jobs_runs_retried_total",
        /// Runs that failed for good.
        pub died: Counter "weir_jobs_runs_dead_total",
        /// Runs ended by request.
        pub cancelled: Counter "weir_jobs_runs_cancelled_total",
        /// Runs whose jobs went back to the queue unfinished.
        pub released: Counter "weir_jobs_runs_released_total",
        /// Runs that had lost their lease when they ended.
        pub overtaken: Counter "weir_jobs_runs_overtaken_total",
        /// Runs abandoned at their hard time limit.
        pub abandoned: Counter "weir_jobs_runs_abandoned_total",
    }
}

/// Phase in the life of the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Claim jobs and run them.
    Working,
    /// Claim none, finish the running ones.
    Draining,
    /// Release the running ones to the queue.
    Releasing,
}

/// A worker that counts as busy until this is dropped.
pub(crate) struct BusyWorker {
    context: Arc<WorkerContext>,
}

/// A run that counts as in progress until this is dropped.
pub(super) struct RunGuard {
    context: Arc<WorkerContext>,
    _busy: BusyWorker,
}

impl WorkerContext {
    /// A context whose workers claim nothing before `recover_when` has ended.
    pub fn new(deps: WorkerDeps) -> Arc<Self> {
        Arc::new(Self {
            orphaned_runs: Arc::new(Semaphore::new(deps.settings.max_abandoned)),
            known: KnownJobs::new(deps.registry.names_in_queue()),
            registry: deps.registry,
            resources: deps.resources,
            settings: deps.settings,
            runtime: deps.runtime,
            counters: Arc::default(),
            wakeup: Notify::new(),
            phase: watch::Sender::new(Phase::Working),
            owner: deps.owner,
            instance: deps.instance,
            recovered: OnceCell::new(),
            ready: watch::Sender::new(false),
            busy: watch::Sender::new(0),
        })
    }

    /// Returns the counters of all runs.
    pub fn counters(&self) -> &Arc<JobCounters> {
        &self.counters
    }

    /// Returns the names of the jobs that this instance and others can run.
    pub fn known(&self) -> &KnownJobs {
        &self.known
    }

    /// Waits until the database is `prepared`, recovers the leases of an earlier process of the same owner, and lets the
    /// workers begin. Further calls find it done.
    pub(crate) async fn recover_when(&self, mut prepared: watch::Receiver<bool>) {
        let recover = || async move {
            if prepared.wait_for(|&prepared| prepared).await.is_err() {
                // It never will be.
                std::future::pending::<()>().await;
            }
            let recovered = self.recover().await;
            self.counters.recovered.store(recovered, Ordering::Relaxed);
            if recovered > 0 {
                tracing::info!(recovered, "jobs of an earlier process are queued again");
            }
        };
        self.recovered.get_or_init(recover).await;
        self.ready.send_replace(true);
    }

    async fn recover(&self) -> u64 {
        loop {
            match self.jobs().recover(&self.owner).await {
                Ok(recovered) => return recovered,
                // The store has logged it.
                Err(_) => sleep(STORE_RETRY).await,
            }
        }
    }

    /// Waits until there is a database to work on and the leases of an earlier process are recovered.
    pub async fn ready(&self) {
        // The sender is in `self`, so there is no error.
        let _ = self.ready.subscribe().wait_for(|&ready| ready).await;
    }

    /// Stops the workers from claiming jobs; running ones continue.
    pub fn stop_claiming(&self) {
        self.phase.send_if_modified(|phase| {
            let was_working = *phase == Phase::Working;
            if was_working {
                *phase = Phase::Draining;
            }
            was_working
        });
    }

    /// Gives running jobs up to `grace` to finish, and releases the others to the queue.
    pub async fn drain(&self, grace: Duration) {
        self.stop_claiming();
        if self.is_idle_within(grace).await {
            return;
        }
        self.phase.send_replace(Phase::Releasing);
        if !self.is_idle_within(RELEASE_TIME).await {
            let running = *self.busy.borrow();
            tracing::warn!(running, "jobs did not end, the next start recovers them");
        }
    }

    async fn is_idle_within(&self, limit: Duration) -> bool {
        let mut busy = self.busy.subscribe();
        let idle = busy.wait_for(|&workers| workers == 0);
        timeout(limit, idle).await.is_ok()
    }

    pub(crate) fn jobs(&self) -> &JobQueue {
        &self.resources.queue
    }

    /// Returns what the worker `name` is at the moment, for its next claim.
    pub(crate) fn worker(&self, name: &str) -> Worker {
        Worker {
            owner: self.owner.clone(),
            name: name.to_owned(),
            instance: self.instance.clone(),
            jobs: self.known.own(),
        }
    }

    /// Counts the caller as busy. Call it before the phase is read, so that a drain waits for the job that is claimed next.
    pub(crate) fn enter_busy(self: &Arc<Self>) -> BusyWorker {
        self.busy.send_modify(|workers| *workers += 1);
        BusyWorker {
            context: Arc::clone(self),
        }
    }

    pub(super) fn start_run(self: &Arc<Self>, busy: BusyWorker) -> RunGuard {
        self.counters.started.fetch_add(1, Ordering::Relaxed);
        self.counters.running.fetch_add(1, Ordering::Relaxed);
        RunGuard {
            context: Arc::clone(self),
            _busy: busy,
        }
    }
}

impl Drop for BusyWorker {
    fn drop(&mut self) {
        self.context.busy.send_modify(|workers| *workers -= 1);
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        self.context
            .counters
            .running
            .fetch_sub(1, Ordering::Relaxed);
    }
}
