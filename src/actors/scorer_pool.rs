use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Supervised};
use arc_swap::ArcSwap;

use crate::health::HealthIssues;
use crate::scoring::FailureReporter;
use crate::scoring::pool::{PoolCounters, WorkerPool};
use weir_supervision::{Incarnation, SupervisedActor};

/// Time between two checks for overdue batches and failures.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// Supervises the threads of one scorer: abandons overdue batches, replaces their threads and reports failures. Scores are asked
/// for at the [`PoolHandle`](crate::scoring::pool::PoolHandle), so that they do not depend on this actor.
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
    /// Conditions shown to operators.
    pub health: HealthIssues,
}

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
        ctx.run_interval(WATCH_PAUSE, |pool, _| pool.watch());
    }
}

impl Supervised for ScorerPool {}
