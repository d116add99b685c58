use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Supervised};
use arc_swap::ArcSwap;

use super::failure_reporter::FailureReporter;
use super::messages::Score;
use crate::health::HealthIssues;
use crate::scoring::pool::WorkerPool;

/// Time between two checks for batches that take too long and for failures.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// The front of one scorer's threads, which it does not own: they outlive its restarts.
pub struct ScorerPool {
    workers: Arc<ArcSwap<WorkerPool>>,
    /// Whose failures `failures` has reported.
    reported: Option<Weak<WorkerPool>>,
    failures: FailureReporter,
}

impl ScorerPool {
    /// A front over the `workers` of the scorer `name`, whichever they are at the time of a request. Their failures are
    /// reported in `health`.
    pub fn new(name: &str, workers: Arc<ArcSwap<WorkerPool>>, health: HealthIssues) -> Self {
        Self {
            workers,
            reported: None,
            failures: FailureReporter::new(name, health),
        }
    }

    fn look_after_workers(&mut self) {
        let (workers, now) = (self.workers.load(), Instant::now());
        workers.abandon_overrun(now);
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
        ctx.run_interval(WATCH_PAUSE, |pool, _| pool.look_after_workers());
    }
}

impl Supervised for ScorerPool {}

impl Handler<Score> for ScorerPool {
    type Result = ();

    fn handle(&mut self, Score(request): Score, _: &mut Self::Context) {
        self.workers.load().submit(&request);
    }
}
