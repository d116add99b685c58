use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use crate::health::HealthIssues;
use crate::jobs::{JobCounters, WorkerContext};
use crate::queue::{Cancellation, Enqueued, JobId, NewJob, QueueError};
use crate::store::{Change, StoreError};
use weir_supervision::{Incarnation, SupervisedActor};

/// Time between two removals of large results that have expired.
const SWEEP: Duration = Duration::from_mins(10);

/// Time between two looks at the queue for jobs that no running instance can run.
const LOOK_FOR_UNKNOWN: Duration = Duration::from_secs(5);
/// Counting many such jobs takes its time: at most a fiftieth of all time goes into it.
const REST_PER_LOOK: u32 = 50;
/// The part under which they are reported.
const UNKNOWN_JOBS: &str = "unknown jobs";
/// Number of names that are reported.
const NAMES_SHOWN: usize = 10;

/// Enqueues and cancels jobs, and wakes the workers. At the start it recovers the leases of an earlier process.
pub struct JobQueueActor {
    deps: JobQueueDeps,
}

/// Dependencies of the job queue actor.
#[derive(Clone)]
pub struct JobQueueDeps {
    /// Context of the workers that it wakes.
    pub context: Arc<WorkerContext>,
    /// True once the database can be used.
    pub prepared: watch::Receiver<bool>,
    /// Reports queued jobs that no running instance can run.
    pub health: HealthIssues,
}

/// Enqueue a job. After the answer it runs, whatever ends in between.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Enqueue {
    /// The job, its arguments checked.
    pub job: NewJob,
    /// Receives the answer.
    pub reply: oneshot::Sender<Result<Enqueued, QueueError>>,
}

/// Cancel a waiting job, and ask a running one to stop.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Cancel {
    /// The job.
    pub id: JobId,
    /// Receives the answer.
    pub reply: oneshot::Sender<Result<Cancellation, StoreError>>,
}

impl SupervisedActor for JobQueueActor {
    type Deps = JobQueueDeps;
    type Counters = JobCounters;

    fn new(deps: JobQueueDeps, _: Arc<JobCounters>, _: Incarnation) -> Self {
        Self { deps }
    }
}

impl Actor for JobQueueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let JobQueueDeps {
            context,
            prepared,
            health,
        } = self.deps.clone();
        let runtime = &self.deps.context.runtime;
        let mut tasks = JoinSet::new();
        tasks.spawn_on(forward_wakeups(Arc::clone(&context)), runtime);
        tasks.spawn_on(remove_expired_results(Arc::clone(&context)), runtime);
        tasks.spawn_on(report_unknown_jobs(Arc::clone(&context), health), runtime);
        tasks.spawn_on(async move { context.recover_when(prepared).await }, runtime);
        ctx.spawn(async move { while tasks.join_next().await.is_some() {} }.into_actor(self));
    }
}

impl Supervised for JobQueueActor {}

impl Handler<Enqueue> for JobQueueActor {
    type Result = ();

    fn handle(&mut self, Enqueue { job, reply }: Enqueue, _: &mut Self::Context) {
        let context = Arc::clone(&self.deps.context);
        // A task of its own answers, whatever becomes of this actor.
        self.deps.context.runtime.spawn(async move {
            let enqueued = context.jobs().enqueue(job).await;
            if enqueued.is_ok() {
                context.counters.enqueued.fetch_add(1, Ordering::Relaxed);
                context.wakeup.notify_one();
            }
            // An error means that the caller has gone; the job runs all the same.
            let _ = reply.send(enqueued);
        });
    }
}

impl Handler<Cancel> for JobQueueActor {
    type Result = ();

    fn handle(&mut self, Cancel { id, reply }: Cancel, _: &mut Self::Context) {
        let context = Arc::clone(&self.deps.context);
        self.deps.context.runtime.spawn(async move {
            let _ = reply.send(context.jobs().cancel(id).await);
        });
    }
}

/// Wakes the workers when the store announces work, of whichever instance.
async fn forward_wakeups(context: Arc<WorkerContext>) {
    let mut changes = context.resources.store.changes();
    loop {
        match changes.recv().await {
            Ok(Change::Work) => context.wakeup.notify_one(),
            Ok(Change::All) | Err(broadcast::error::RecvError::Lagged(_)) => {
                context.wakeup.notify_waiters();
            }
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

async fn remove_expired_results(context: Arc<WorkerContext>) {
    let mut ticks = interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = context.resources.large_results.sweep().await {
            tracing::warn!(%error, "failed to remove expired large results");
        }
    }
}

/// Reports the queued jobs that no running instance can run, for as long as there are any.
async fn report_unknown_jobs(context: Arc<WorkerContext>, health: HealthIssues) {
    loop {
        let names_changed = context.known().changed();
        let begun = Instant::now();
        if let Some(known) = context.known().all()
            && let Ok(unknown) = context.jobs().queued_except(known).await
        {
            if unknown.is_empty() {
                health.clear(UNKNOWN_JOBS);
            } else {
                let is_new = !health.is_reported(UNKNOWN_JOBS);
                let why = unknown_jobs(&unknown);
                if is_new {
                    tracing::warn!(why, "jobs wait for an instance that can run them");
                }
                health.report(UNKNOWN_JOBS, why);
            }
        }
        tokio::select! {
            () = sleep(LOOK_FOR_UNKNOWN.max(begun.elapsed() * REST_PER_LOOK)) => {}
            () = names_changed => {}
        }
    }
}

fn unknown_jobs(unknown: &BTreeMap<String, u64>) -> String {
    let shown = unknown.iter().take(NAMES_SHOWN);
    let mut names: Vec<String> = shown
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    if unknown.len() > NAMES_SHOWN {
        names.push(format!("and {} more names", unknown.len() - NAMES_SHOWN));
    }
    format!(
        "queued jobs that no running instance can run wait until one can: {}",
        names.join(", ")
    )
}
