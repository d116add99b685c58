//! One run of a job: under its lease, within its limits, to its outcome.

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

use super::job_outcome::{Asked, Ended, Verdict, dead};
use super::job_pool::{AtWork, JobPool, Phase};
use crate::jobs::{FencingToken, JobContext, JobError, Limits, PreparedJob, Progress, Run};
use crate::results::Change;
use crate::results::jobs::{Heartbeat, Lease, Outcome, Settled};

/// What a run that was asked to end may take before it is abandoned.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// The same, when Weir itself ends.
const RELEASE_PATIENCE: Duration = Duration::from_millis(500);
/// How soon a heartbeat or an outcome is sent again that the store did not take.
const STORE_RETRY: Duration = Duration::from_millis(250);
/// How often an outcome is sent that the store refuses although it is there; then the lease runs out.
const MOST_REFUSALS: u32 = 20;
/// How soon an aborted run counts as a stray.
const ABORT_PATIENCE: Duration = Duration::from_millis(50);

/// Runs the leased job and settles it. Returns when the worker may take another.
pub(super) async fn see_through(pool: Arc<JobPool>, lease: Lease, at_work: AtWork) {
    let running = pool.begin_run(at_work);
    let prepared = match pool.parts.registry.prepare(&lease.name, &lease.args) {
        Ok(prepared) => prepared,
        // It was good when it came in, so another version of Weir or other settings took it.
        Err(error) => {
            settle(&pool, &lease, dead(&error, &pool.parts.settings)).await;
            return;
        }
    };
    let (limits, retry) = (prepared.limits(), prepared.retry());
    let mut run = JobRun::start(&pool, &lease, prepared, limits);
    let ended = run.supervise(&pool, &lease).await;
    if let Ended::Returned(Err(JobError::Database(error))) = &ended {
        pool.parts.resources.database.observe(error);
    }
    let stray = run.end();
    let verdict = Verdict {
        lease: &lease,
        limits,
        retry,
        settings: &pool.parts.settings,
    };
    match verdict.on(ended, run.asked) {
        Some(outcome) => settle(&pool, &lease, outcome).await,
        None => note_overtaken(&pool, &lease),
    }
    drop(running);
    if let Some(ended) = stray {
        leave_behind(&pool, &lease, ended).await;
    }
}

type RunEnd = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A run under way.
struct JobRun {
    job: JoinHandle<Result<Value, JobError>>,
    /// Resolves when the last of the run's code has ended.
    code_ended: RunEnd,
    cancellation: CancellationToken,
    progress: watch::Receiver<Option<Progress>>,
    announced: broadcast::Receiver<Change>,
    asked: Option<Asked>,
    soft_limit_at: Instant,
    give_up_at: Instant,
}

impl JobRun {
    fn start(pool: &JobPool, lease: &Lease, job: PreparedJob, limits: Limits) -> Self {
        // Listens before it runs, so that no wish to cancel is missed.
        let announced = pool.parts.resources.results.changes();
        let cancellation = CancellationToken::new();
        let run = Run {
            job: lease.id,
            token: FencingToken(lease.token),
        };
        let context = JobContext::new(pool.parts.resources.clone(), run, cancellation.clone());
        let (progress, code_ended) = (context.progress(), Box::pin(context.ended()));
        let now = Instant::now();
        Self {
            job: tokio::spawn(async move { job.run(&context).await }),
            code_ended,
            cancellation,
            progress,
            announced,
            asked: None,
            soft_limit_at: now + limits.soft,
            give_up_at: now + limits.hard,
        }
    }

    /// Keeps the lease and passes on every wish that the run should end, until it does, is given up or is overtaken.
    async fn supervise(&mut self, pool: &JobPool, lease: &Lease) -> Ended {
        let mut phase = pool.phase.subscribe();
        let mut heartbeat_at = Instant::now() + pool.parts.settings.lease / 3;
        loop {
            tokio::select! {
                biased;
                ended = &mut self.job => return Ended::Returned(ended.unwrap_or_else(|error| Err(error.into()))),
                () = sleep_until(self.give_up_at) => return Ended::GivenUp,
                () = sleep_until(self.soft_limit_at), if self.asked.is_none() => {
                    self.ask(Asked::SoftLimit);
                }
                () = releasing(&mut phase), if self.asked != Some(Asked::Release) => {
                    self.ask(Asked::Release);
                    self.give_up_within(RELEASE_PATIENCE);
                }
                () = heard_of(lease, &mut self.announced) => heartbeat_at = Instant::now(),
                () = sleep_until(heartbeat_at) => match self.heartbeat(pool, lease).await {
                    Some(Heartbeat::Lost) => return Ended::Overtaken,
                    Some(Heartbeat::Held { cancel }) => {
                        if cancel && self.asked.is_none() {
                            self.ask(Asked::Cancel);
                            self.give_up_within(STOP_PATIENCE);
                        }
                        heartbeat_at = Instant::now() + pool.parts.settings.lease / 3;
                    }
                    None => heartbeat_at = Instant::now() + STORE_RETRY,
                },
            }
        }
    }

    fn ask(&mut self, why: Asked) {
        self.asked = Some(why);
        self.cancellation.cancel();
    }

    fn give_up_within(&mut self, patience: Duration) {
        self.give_up_at = self.give_up_at.min(Instant::now() + patience);
    }

    /// What the store says of the lease; nothing while it is away.
    async fn heartbeat(&mut self, pool: &JobPool, lease: &Lease) -> Option<Heartbeat> {
        let progress = self
            .progress
            .borrow_and_update()
            .map(|progress| json!(progress));
        let heartbeat = pool
            .jobs()
            .heartbeat(lease, pool.parts.settings.lease, progress);
        match heartbeat.await {
            Ok(heartbeat) => Some(heartbeat),
            Err(error) => {
                tracing::debug!(job = %lease.id, %error, "a heartbeat was not heard");
                None
            }
        }
    }

    /// Aborts the run if it still goes; then what resolves when all its code has ended.
    fn end(&mut self) -> Option<RunEnd> {
        if self.job.is_finished() {
            return None;
        }
        self.job.abort();
        Some(std::mem::replace(&mut self.code_ended, Box::pin(pending())))
    }
}

/// Waits until Weir ends so soon that jobs are handed back.
async fn releasing(phase: &mut watch::Receiver<Phase>) {
    if phase
        .wait_for(|phase| *phase == Phase::Releasing)
        .await
        .is_err()
    {
        pending::<()>().await;
    }
}

/// Waits for word that concerns this job, or may.
async fn heard_of(lease: &Lease, announced: &mut broadcast::Receiver<Change>) {
    loop {
        match announced.recv().await {
            Ok(Change::Job(id)) if id == lease.id => return,
            Ok(Change::All) | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => pending().await,
        }
    }
}

/// Tells the store the outcome, for as long as it is away.
async fn settle(pool: &JobPool, lease: &Lease, outcome: Outcome) {
    let mut refusals = 0;
    loop {
        match pool.jobs().settle(lease, outcome.clone()).await {
            Ok(Settled::Done) => return note_outcome(pool, lease, &outcome),
            Ok(Settled::Overtaken) => return note_overtaken(pool, lease),
            Err(error) if error.is_unavailable() => {}
            Err(error) => {
                refusals += 1;
                if refusals >= MOST_REFUSALS {
                    tracing::error!(job = %lease.id, name = lease.name, %error, "the outcome of a job cannot be stored, it will run again");
                    return;
                }
            }
        }
        sleep(STORE_RETRY).await;
    }
}

fn note_outcome(pool: &JobPool, lease: &Lease, outcome: &Outcome) {
    let counters = pool.counters();
    let (id, name, attempt) = (lease.id, lease.name.as_str(), lease.attempts + 1);
    let counter = match outcome {
        Outcome::Succeeded { .. } => &counters.succeeded,
        Outcome::Retry { error, after } => {
            let retry_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let error = error.join(": ");
            tracing::warn!(job = %id, name, attempt, error, retry_ms, "job failed, it is tried again");
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

fn note_overtaken(pool: &JobPool, lease: &Lease) {
    pool.counters().overtaken.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(job = %lease.id, name = lease.name, "run was overtaken, its outcome does not count");
}

/// Waits until the aborted run has ended, or counts among the few that the pool bears.
async fn leave_behind(pool: &JobPool, lease: &Lease, mut code_ended: RunEnd) {
    if timeout(ABORT_PATIENCE, &mut code_ended).await.is_ok() {
        return;
    }
    pool.counters().abandoned.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(job = %lease.id, name = lease.name, "run was abandoned and goes on");
    tokio::select! {
        () = &mut code_ended => {}
        Ok(place) = Arc::clone(&pool.strays).acquire_owned() => {
            tokio::spawn(async move {
                code_ended.await;
                drop(place);
            });
        }
    }
}
