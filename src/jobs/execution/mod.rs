//! Execution of jobs: one run under its lease, within its limits, to its outcome.

mod context;
mod outcome;

pub(crate) use context::{BusyWorker, Phase};
pub use context::{JobCounters, WorkerContext, WorkerDeps};

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::outcome::{OutcomePolicy, RunExit, StopReason, dead};
use crate::jobs::{
    FencingToken, JobContext, JobError, Limits, PrepareError, PreparedJob, Progress, Run,
    STORE_RETRY,
};
use crate::queue::{Heartbeat, Lease, Outcome, Settled};
use crate::store::Change;

/// Time that a run has to stop once it was asked to, before it is abandoned.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The same at shutdown.
const RELEASE_PATIENCE: Duration = Duration::from_millis(500);
/// Attempts to store an outcome that a reachable store refuses; then the lease runs out.
const MOST_REFUSALS: u32 = 20;
/// Time after which an aborted run counts as orphaned.
const ABORT_PATIENCE: Duration = Duration::from_millis(50);

/// Runs the leased job and settles it. Returns when the worker may claim another.
pub(crate) async fn run_to_completion(context: Arc<WorkerContext>, lease: Lease, busy: BusyWorker) {
    let running = context.start_run(busy);
    let prepared = match context.registry.prepare(&lease.name, &lease.args) {
        Ok(prepared) => prepared,
        // The name was withdrawn since the claim, which asked for it.
        Err(PrepareError::Unknown(_)) => {
            settle(&context, &lease, Outcome::Released).await;
            return;
        }
        // It was valid when it was enqueued, by another version or under other settings.
        Err(error) => {
            settle(&context, &lease, dead(&error, &context.settings)).await;
            return;
        }
    };
    let (limits, retry) = (prepared.limits(), prepared.retry());
    let mut run = JobRun::start(&context, &lease, prepared, limits);
    let exit = run.watch(&context, &lease).await;
    if let RunExit::Returned(Err(JobError::Database(error))) = &exit {
        context.resources.database.observe(error);
    }
    let orphan = run.abort();
    let policy = OutcomePolicy {
        lease: &lease,
        limits,
        retry,
        settings: &context.settings,
    };
    match policy.decide(exit, run.stop_reason) {
        Some(outcome) => settle(&context, &lease, outcome).await,
        None => record_overtaken(&context, &lease),
    }
    drop(running);
    if let Some(code_ended) = orphan {
        track_orphan(&context, &lease, code_ended).await;
    }
}

type RunEnd = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A run in progress.
struct JobRun {
    job: JoinHandle<Result<Value, JobError>>,
    /// Resolves when the last of the run's code has ended.
    code_ended: RunEnd,
    cancellation: CancellationToken,
    progress: watch::Receiver<Option<Progress>>,
    announced: broadcast::Receiver<Change>,
    stop_reason: Option<StopReason>,
    soft_limit_at: Instant,
    abandon_at: Instant,
}

impl JobRun {
    fn start(context: &WorkerContext, lease: &Lease, job: PreparedJob, limits: Limits) -> Self {
        // Subscribe before the job starts, so that no cancellation is missed.
        let announced = context.resources.store.changes();
        let cancellation = CancellationToken::new();
        let run = Run {
            job: lease.id,
            token: FencingToken(lease.token),
            attempt: lease.attempts + 1,
        };
        let job_context = JobContext::new(context.resources.clone(), run, cancellation.clone());
        let (progress, code_ended) = (job_context.progress(), Box::pin(job_context.ended()));
        let now = Instant::now();
        Self {
            job: tokio::spawn(async move { job.run(&job_context).await }),
            code_ended,
            cancellation,
            progress,
            announced,
            stop_reason: None,
            soft_limit_at: now + limits.soft,
            abandon_at: now + limits.hard,
        }
    }

    /// Renews the lease and forwards every request to stop, until the run returns, is abandoned or is overtaken.
    async fn watch(&mut self, context: &WorkerContext, lease: &Lease) -> RunExit {
        let mut phase = context.phase.subscribe();
        let mut heartbeat_at = Instant::now() + context.settings.lease / 3;
        loop {
            tokio::select! {
                biased;
                ended = &mut self.job => return RunExit::Returned(ended.unwrap_or_else(|error| Err(error.into()))),
                () = sleep_until(self.abandon_at) => return RunExit::Abandoned,
                () = sleep_until(self.soft_limit_at), if self.stop_reason.is_none() => {
                    self.request_stop(StopReason::SoftLimit);
                }
                () = release_requested(&mut phase), if self.stop_reason != Some(StopReason::Release) => {
                    self.request_stop(StopReason::Release);
                    self.abandon_within(RELEASE_PATIENCE);
                }
                () = cancellation_announced(lease, &mut self.announced) => heartbeat_at = Instant::now(),
                () = sleep_until(heartbeat_at) => match self.heartbeat(context, lease).await {
                    Some(Heartbeat::Lost) => return RunExit::Overtaken,
                    Some(Heartbeat::Held { cancel }) => {
                        if cancel && self.stop_reason.is_none() {
                            self.request_stop(StopReason::Cancel);
                            self.abandon_within(STOP_PATIENCE);
                        }
                        heartbeat_at = Instant::now() + context.settings.lease / 3;
                    }
                    None => heartbeat_at = Instant::now() + STORE_RETRY,
                },
            }
        }
    }

    fn request_stop(&mut self, reason: StopReason) {
        self.stop_reason = Some(reason);
        self.cancellation.cancel();
    }

    fn abandon_within(&mut self, patience: Duration) {
        self.abandon_at = self.abandon_at.min(Instant::now() + patience);
    }

    /// Renews the lease. Returns `None` while the store is unavailable.
    async fn heartbeat(&mut self, context: &WorkerContext, lease: &Lease) -> Option<Heartbeat> {
        let progress = self
            .progress
            .borrow_and_update()
            .map(|progress| json!(progress));
        let heartbeat = context
            .jobs()
            .heartbeat(lease, context.settings.lease, progress);
        match heartbeat.await {
            Ok(heartbeat) => Some(heartbeat),
            Err(error) => {
                tracing::debug!(job = %lease.id, %error, "failed to send a heartbeat");
                None
            }
        }
    }

    /// Aborts the run if it still executes, and returns what resolves when all its code has ended.
    fn abort(&mut self) -> Option<RunEnd> {
        if self.job.is_finished() {
            return None;
        }
        self.job.abort();
        Some(std::mem::replace(&mut self.code_ended, Box::pin(pending())))
    }
}

/// Waits until jobs are to be released because the instance shuts down.
async fn release_requested(phase: &mut watch::Receiver<Phase>) {
    if phase
        .wait_for(|phase| *phase == Phase::Releasing)
        .await
        .is_err()
    {
        pending::<()>().await;
    }
}

/// Waits for an announcement that concerns this job, or may.
async fn cancellation_announced(lease: &Lease, announced: &mut broadcast::Receiver<Change>) {
    loop {
        match announced.recv().await {
            Ok(Change::Job(id)) if id == lease.id => return,
            Ok(Change::All) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => pending().await,
        }
    }
}

/// Stores the outcome; while the store is unavailable it tries again.
async fn settle(context: &WorkerContext, lease: &Lease, outcome: Outcome) {
    let mut refusals = 0;
    loop {
        match context.jobs().settle(lease, outcome.clone()).await {
            Ok(Settled::Done) => return record_outcome(context, lease, &outcome),
            Ok(Settled::Overtaken) => return record_overtaken(context, lease),
            Err(error) if error.is_unavailable() => {}
            Err(error) => {
                refusals += 1;
                if refusals >= MOST_REFUSALS {
                    tracing::error!(job = %lease.id, name = lease.name, %error, "failed to store the outcome of a job, it will run again");
                    return;
                }
            }
        }
        sleep(STORE_RETRY).await;
    }
}

fn record_outcome(context: &WorkerContext, lease: &Lease, outcome: &Outcome) {
    let counters = context.counters();
    let (id, name, attempt) = (lease.id, lease.name.as_str(), lease.attempts + 1);
    let counter = match outcome {
        Outcome::Succeeded { .. } => &counters.succeeded,
        Outcome::Retry { error, after } => {
            let retry_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let error = error.join(": ");
            tracing::warn!(job = %id, name, attempt, error, retry_ms, "job failed, will be retried");
            &counters.retried
        }
        Outcome::Dead { error, .. } => {
            tracing::warn!(job = %id, name, attempt, error = error.join(": "), "job failed for good");
            &counters.died
        }
        Outcome::Cancelled { .. } => &counters.cancelled,
        Outcome::Released => &counters.released,
    };
    counter.fetch_add(1, Ordering::Relaxed);
    metrics::counter!("weir_job_runs_total", "job" => lease.name.clone(), "outcome" => outcome.state().as_str())
        .increment(1);
}

fn record_overtaken(context: &WorkerContext, lease: &Lease) {
    context.counters().overtaken.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(job = %lease.id, name = lease.name, "run was overtaken, its outcome is discarded");
}

/// Waits until the aborted run has ended, or there is a permit for one more orphaned run.
async fn track_orphan(context: &WorkerContext, lease: &Lease, mut code_ended: RunEnd) {
    if timeout(ABORT_PATIENCE, &mut code_ended).await.is_ok() {
        return;
    }
    context.counters().abandoned.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(job = %lease.id, name = lease.name, "abandoned run is still executing");
    tokio::select! {
        () = &mut code_ended => {}
        Ok(permit) = Arc::clone(&context.orphaned_runs).acquire_owned() => {
            tokio::spawn(async move {
                code_ended.await;
                drop(permit);
            });
        }
    }
}
