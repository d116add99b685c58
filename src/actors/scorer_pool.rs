use std::sync::Arc;

use actix::{Actor, Context, Handler, Supervised};

use super::messages::Score;
use crate::scoring::pool::WorkerPool;

/// The front of one scorer's threads, which it does not own: they outlive its restarts.
pub struct ScorerPool {
    workers: Arc<WorkerPool>,
}

impl ScorerPool {
    /// A front over `workers`.
    pub fn new(workers: Arc<WorkerPool>) -> Self {
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
        self.workers.submit(&request);
    }
}
