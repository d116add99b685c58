use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Supervised, WrapFuture};
use serde::Serialize;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::job_pool::{AtWork, JobPool, Phase};
use super::job_run;
use crate::results::jobs::{Claim, Lease};
use weir_supervision::Incarnation;

/// The longest wait between two looks at the queue, for word of new work may be lost.
const POLL: Duration = Duration::from_secs(1);
/// How soon the queue is looked at again after the store was away.
const STORE_RETRY: Duration = Duration::from_millis(250);

/// Leases jobs and sees each to its end, one at a time. The work itself goes on the runtime, not on the actor's thread.
pub struct JobWorker {
    name: String,
    pool: Arc<JobPool>,
    incarnation: Incarnation,
    counters: Arc<JobWorkerCounters>,
    /// Ends the work with this incarnation, after the job at hand.
    retirement: Option<DropGuard>,
}

/// What one worker has done so far.
#[derive(Debug, Default, Serialize)]
pub struct JobWorkerCounters {
    /// Looks at the queue.
    pub claims: AtomicU64,
    /// Jobs leased.
    pub leased: AtomicU64,
}

impl JobWorker {
    /// A worker of `pool`, by a name for people.
    pub fn new(
        name: String,
        pool: Arc<JobPool>,
        incarnation: Incarnation,
        counters: Arc<JobWorkerCounters>,
    ) -> Self {
        Self {
            name,
            pool,
            incarnation,
            counters,
            retirement: None,
        }
    }
}

impl Actor for JobWorker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let retirement = CancellationToken::new();
        let work = Work {
            retired: retirement.clone(),
            name: self.name.clone(),
            pool: Arc::clone(&self.pool),
            incarnation: self.incarnation.clone(),
            counters: Arc::clone(&self.counters),
        };
        let task = self.pool.parts.runtime.spawn(work.go_on());
        ctx.spawn(task.into_actor(self).map(|ended, _, ctx| {
            if ended.is_err() {
                ctx.stop();
            }
        }));
        self.retirement = Some(retirement.drop_guard());
    }
}

impl Supervised for JobWorker {}

/// The work of one incarnation.
struct Work {
    name: String,
    pool: Arc<JobPool>,
    incarnation: Incarnation,
    counters: Arc<JobWorkerCounters>,
    retired: CancellationToken,
}

impl Work {
    /// Takes one job after the other until the pool stops taking any or this worker retires.
    async fn go_on(self) {
        self.pool.opened().await;
        let worker = self.pool.worker(&self.name);
        let lease = self.pool.parts.settings.lease;
        let mut phase = self.pool.phase.subscribe();
        loop {
            let at_work = self.pool.at_work();
            if !self.is_on_duty() || *phase.borrow_and_update() != Phase::Working {
                return;
            }
            // Listens before it looks, so that nothing falls between the two.
            let rung = self.pool.work.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            self.counters.claims.fetch_add(1, Ordering::Relaxed);
            let pause = match self.pool.jobs().claim(&worker, lease).await {
                Ok(Claim::Leased(lease)) => {
                    self.see_to(lease, at_work).await;
                    continue;
                }
                Ok(Claim::Nothing { look_again }) => look_again.map_or(POLL, |at| at.min(POLL)),
                // The results have logged it.
                Err(_) => {
                    drop(at_work);
                    sleep(STORE_RETRY).await;
                    continue;
                }
            };
            drop(at_work);
            tokio::select! {
                () = rung => {}
                () = sleep(pause) => {}
                _ = phase.changed() => {}
                () = self.retired.cancelled() => {}
            }
        }
    }

    fn is_on_duty(&self) -> bool {
        self.incarnation.is_current() && !self.retired.is_cancelled()
    }

    async fn see_to(&self, lease: Lease, at_work: AtWork) {
        self.counters.leased.fetch_add(1, Ordering::Relaxed);
        let run = tokio::spawn(job_run::see_through(Arc::clone(&self.pool), lease, at_work));
        if run.await.is_err() {
            tracing::error!(worker = self.name, "a run was lost, its lease will run out");
        }
    }
}
