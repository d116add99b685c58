use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, Supervised};
use arc_swap::ArcSwap;

use super::messages::Score;
use crate::scoring::pool::WorkerPool;

/// How often batches that take too long are looked for.
const WATCH_PAUSE: Duration = Duration::from_millis(20);

/// The front of one scorer's threads, which it does not own: they outlive its restarts.
pub struct ScorerPool {
    workers: Arc<ArcSwap<WorkerPool>>,
}

impl ScorerPool {
    /// A front over `workers`, whichever they are at the time of a request.
    pub fn new(workers: Arc<ArcSwap<WorkerPool>>) -> Self {
        Self { workers }
    }
}

impl Actor for ScorerPool {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(WATCH_PAUSE, |pool, _| {
            pool.workers.load().abandon_overrun(Instant::now());
        });
    }
}

impl Supervised for ScorerPool {}

impl Handler<Score> for ScorerPool {
    type Result = ();

    fn handle(&mut self, Score(request): Score, _: &mut Self::Context) {
        self.workers.load().submit(&request);
    }
}
