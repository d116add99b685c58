use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Supervised, WrapFuture};
use serde::Serialize;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::jobs::execution::{BusyWorker, Phase, run_to_completion};
use crate::jobs::{STORE_RETRY, WorkerContext};
use crate::queue::{Claim, Lease};
use weir_supervision::{Incarnation, SupervisedActor, counters};

/// Longest time between two polls of the queue, since an announcement of new work may be lost.
const POLL: Duration = Duration::from_secs(1);

/// Claims jobs and runs them, one at a time, on the runtime and not on the actor's thread.
pub struct JobWorker {
    poller: Poller,
    /// Stops the poller of this incarnation, after the running job.
    stop_on_drop: Option<DropGuard>,
}

/// Dependencies of a job worker.
#[derive(Clone)]
pub struct JobWorkerDeps {
    /// Name for people.
    pub name: String,
    /// Context that all workers share.
    pub context: Arc<WorkerContext>,
}

counters! {
    /// Counters of one worker.
    #[derive(Debug, Default, Serialize)]
    pub struct JobWorkerCounters {
        /// Attempts to claim a job.
        pub claims: Counter "weir_job_worker_claims_total",
        /// Jobs leased.
        pub leased: Counter "weir_job_worker_jobs_leased_total",
    }
}

impl SupervisedActor for JobWorker {
    type Deps = JobWorkerDeps;
    type Counters = JobWorkerCounters;

    fn new(
        deps: JobWorkerDeps,
        counters: Arc<JobWorkerCounters>,
        incarnation: Incarnation,
    ) -> Self {
        let poller = Poller {
            name: deps.name,
            context: deps.context,
            incarnation,
            counters,
            stopped: CancellationToken::new(),
        };
        Self {
            poller,
            stop_on_drop: None,
        }
    }
}

impl Actor for JobWorker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let poller = Poller {
            stopped: CancellationToken::new(),
            ..self.poller.clone()
        };
        self.stop_on_drop = Some(poller.stopped.clone().drop_guard());
        let task = self.poller.context.runtime.spawn(poller.run());
        ctx.spawn(task.into_actor(self).map(|ended, _, ctx| {
            if ended.is_err() {
                ctx.stop();
            }
        }));
    }
}

impl Supervised for JobWorker {}

/// Polls the queue for one incarnation of a worker.
#[derive(Clone)]
struct Poller {
    name: String,
    context: Arc<WorkerContext>,
    incarnation: Incarnation,
    counters: Arc<JobWorkerCounters>,
    stopped: CancellationToken,
}

impl Poller {
    /// Runs one job after the other until jobs are no longer claimed or this worker is stopped.
    async fn run(self) {
        self.context.ready().await;
        let lease = self.context.settings.lease;
        let mut phase = self.context.phase.subscribe();
        loop {
            let busy = self.context.enter_busy();
            if !self.is_active() || *phase.borrow_and_update() != Phase::Working {
                return;
            }
            // Subscribe before the claim, so that work which is enqueued during the claim is noticed.
            let woken = self.context.wakeup.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let names_changed = self.context.known().changed();
            let worker = self.context.worker(&self.name);
            self.counters.claims.fetch_add(1, Ordering::Relaxed);
            let pause = match self.context.jobs().claim(&worker, lease).await {
                Ok(Claim::Leased(lease)) => {
                    self.process(lease, busy).await;
                    continue;
                }
                Ok(Claim::Nothing { retry_after }) => retry_after.map_or(POLL, |at| at.min(POLL)),
                // The store has logged it.
                Err(_) => {
                    drop(busy);
                    sleep(STORE_RETRY).await;
                    continue;
                }
            };
            drop(busy);
            tokio::select! {
                () = woken => {}
                () = names_changed => {}
                () = sleep(pause) => {}
                _ = phase.changed() => {}
                () = self.stopped.cancelled() => {}
            }
        }
    }

    fn is_active(&self) -> bool {
        self.incarnation.is_current() && !self.stopped.is_cancelled()
    }

    async fn process(&self, lease: Lease, busy: BusyWorker) {
        self.counters.leased.fetch_add(1, Ordering::Relaxed);
        let run = tokio::spawn(run_to_completion(Arc::clone(&self.context), lease, busy));
        if run.await.is_err() {
            tracing::error!(worker = self.name, "run was lost, its lease will expire");
        }
    }
}
