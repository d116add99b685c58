use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Supervised, WrapFuture,
};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::supervision::Incarnation;
use crate::db::Database;
use crate::jobs::{FencingToken, JobContext, JobError, JobKind, PreparedJob};
use crate::results::Results;

/// Runs jobs again and again, each on its schedule. A run that is still going is not stacked upon.
pub struct Scheduler {
    parts: SchedulerParts,
    incarnation: Incarnation,
    failures: Vec<u32>,
}

/// What a scheduler works with.
#[derive(Clone)]
pub struct SchedulerParts {
    /// What runs when.
    pub schedules: Arc<Vec<Schedule>>,
    /// Given to the jobs.
    pub database: Database,
    /// Given to the jobs.
    pub results: Results,
    /// Where jobs run: no actor's thread.
    pub runtime: Handle,
    /// True once there is something to run on.
    pub prepared: watch::Receiver<bool>,
    /// Kept up to date.
    pub counters: Arc<SchedulerCounters>,
}

/// A job and how often it runs.
pub struct Schedule {
    /// The schedule's name.
    pub name: String,
    /// From the end of one run to the beginning of the next.
    pub every: Duration,
    /// The kind of job, with its limits and retries.
    pub kind: JobKind,
    /// The job with its arguments.
    pub job: Arc<PreparedJob>,
}

/// What the schedules have done so far, in runs.
#[derive(Debug, Default, Serialize)]
pub struct SchedulerCounters {
    /// Begun.
    pub started: AtomicU64,
    /// Ended well.
    pub succeeded: AtomicU64,
    /// Ended by an error, a limit or a panic.
    pub failed: AtomicU64,
}

/// A schedule, by its place, is due.
#[derive(Clone, Copy, Message)]
#[rtype(result = "()")]
struct Due(usize);

/// Why a run did not succeed.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Job(#[from] JobError),
    #[error("the run took longer than {} ms and was abandoned", .0.as_millis())]
    HardLimit(Duration),
    #[error("the run panicked")]
    Panicked,
}

impl Scheduler {
    /// A scheduler that begins once its `parts` are prepared.
    pub fn new(parts: SchedulerParts, incarnation: Incarnation) -> Self {
        let failures = vec![0; parts.schedules.len()];
        Self {
            parts,
            incarnation,
            failures,
        }
    }

    /// When the schedule runs next: after its interval, or sooner if a failed run is to be tried again.
    fn settle(&mut self, place: usize, outcome: Result<(), RunError>) -> Duration {
        let Schedule {
            name, every, kind, ..
        } = &self.parts.schedules[place];
        match outcome {
            Ok(()) => {
                self.parts
                    .counters
                    .succeeded
                    .fetch_add(1, Ordering::Relaxed);
                self.failures[place] = 0;
                *every
            }
            Err(error) => {
                self.parts.counters.failed.fetch_add(1, Ordering::Relaxed);
                self.failures[place] += 1;
                tracing::warn!(schedule = name, %error, failures = self.failures[place], "scheduled job failed");
                kind.retry
                    .delay_after(self.failures[place], rand::random())
                    .map_or(*every, |delay| delay.min(*every))
            }
        }
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let mut prepared = self.parts.prepared.clone();
        let ready = async move { prepared.wait_for(|&prepared| prepared).await.is_ok() };
        ctx.spawn(ready.into_actor(self).map(|_, scheduler: &mut Self, ctx| {
            (0..scheduler.parts.schedules.len()).for_each(|place| ctx.notify(Due(place)));
        }));
    }
}

impl Supervised for Scheduler {}

impl Handler<Due> for Scheduler {
    type Result = ();

    fn handle(&mut self, due: Due, ctx: &mut Self::Context) {
        if !self.incarnation.is_current() {
            return;
        }
        self.parts.counters.started.fetch_add(1, Ordering::Relaxed);
        let run = run(self.parts.clone(), due.0);
        ctx.spawn(run.into_actor(self).map(move |outcome, scheduler, ctx| {
            let pause = scheduler.settle(due.0, outcome);
            ctx.notify_later(due, pause);
        }));
    }
}

/// One run, within the job's limits.
async fn run(parts: SchedulerParts, place: usize) -> Result<(), RunError> {
    let Schedule { job, kind, .. } = &parts.schedules[place];
    let cancellation = CancellationToken::new();
    let context = JobContext::new(
        parts.database.clone(),
        parts.results.clone(),
        FencingToken(0),
        cancellation.clone(),
    );
    let job = Arc::clone(job);
    let mut running = parts
        .runtime
        .spawn(async move { job.run(&context).await.map(drop) });
    let in_time = tokio::time::timeout(kind.limits.soft, &mut running).await;
    let ended = if let Ok(ended) = in_time {
        ended
    } else {
        cancellation.cancel();
        let rest = kind.limits.hard.saturating_sub(kind.limits.soft);
        let Ok(ended) = tokio::time::timeout(rest, &mut running).await else {
            running.abort();
            return Err(RunError::HardLimit(kind.limits.hard));
        };
        ended
    };
    ended
        .map_err(|_| RunError::Panicked)?
        .map_err(RunError::Job)
}
