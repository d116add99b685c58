use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Message, Supervised};
use arc_swap::ArcSwap;

use super::failure_reporter::FailureReporter;
use crate::health::HealthIssues;
use crate::scoring::pool::{PoolCounters, WorkerPool};
use weir_supervision::{Incarnation, SupervisedActor};

/// Time between two checks for overdue batches and failures.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// Supervises the threads of one scorer: scales them, abandons overdue batches and reports failures. Scores are asked for at
/// the [`PoolHandle`](crate::scoring::pool::PoolHandle), so that they do not depend on this actor.
pub struct ScorerPool {
    deps: ScorerPoolDeps,
    /// Threads whose failures `failures` has reported.
    reported: Option<Weak<WorkerPool>>,
    failures: FailureReporter,
}

/// Dependencies of a [`ScorerPool`], which outlive its restarts.
#[derive(Clone)]
pub struct ScorerPoolDeps {
    /// Name of the scorer.
    pub scorer: String,
    /// The threads; replaced when the scorer is configured differently.
    pub workers: Arc<ArcSwap<WorkerPool>>,
    /// Wanted size of the pool.
    pub size: Arc<ArcSwap<PoolSize>>,
    /// Conditions shown to operators.
    pub health: HealthIssues,
}

/// Settings of a pool that change while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Number of threads.
    pub workers: usize,
    /// Longest time that a batch may take.
    pub time_limit: Duration,
}

/// Bring the pool to its wanted size. An actor does so at its start as well, because a message is lost with its actor.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Rescale;

impl SupervisedActor for ScorerPool {
    type Deps = ScorerPoolDeps;
    type Counters = PoolCounters;

    fn new(deps: ScorerPoolDeps, _: Arc<PoolCounters>, _: Incarnation) -> Self {
        Self {
            failures: FailureReporter::new(&deps.scorer, deps.health.clone()),
            deps,
            reported: None,
        }
    }
}

impl ScorerPool {
    fn rescale(&self) {
        let PoolSize {
            workers,
            time_limit,
        } = **self.deps.size.load();
        let pool = self.deps.workers.load();
        pool.resize(workers);
        pool.set_time_limit(time_limit);
    }

    fn watch(&mut self) {
        let (workers, now) = (self.deps.workers.load(), Instant::now());
        workers.abandon_overdue(now);
        let reported = self.reported.as_ref().map(Weak::as_ptr);
        if reported != Some(Arc::as_ptr(&workers)) {
            self.failures.reset();
            self.reported = Some(Arc::downgrade(&workers));
        }
        self.failures.report(workers.take_failures(), now);
    }
}

impl Actor for ScorerPool {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.rescale();
        ctx.run_interval(WATCH_PAUSE, |pool, _| pool.watch());
    }
}

impl Supervised for ScorerPool {}

impl Handler<Rescale> for ScorerPool {
    type Result = ();

    fn handle(&mut self, _: Rescale, _: &mut Self::Context) {
        self.rescale();
    }
}
