use std::sync::Arc;

use actix::{Actor, Context, Handler, Supervised};
use arc_swap::ArcSwap;

use super::messages::Score;
use crate::scoring::pool::WorkerPool;

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
}

impl Supervised for ScorerPool {}

impl Handler<Score> for ScorerPool {
    type Result = ();

    fn handle(&mut self, Score(request): Score, _: &mut Self::Context) {
        self.workers.load().submit(&request);
    }
}
