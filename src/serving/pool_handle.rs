use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::UnboundedSender;

use crate::actors::ScorerPool;
use crate::actors::messages::Score;
use crate::scoring::ScoreError;
use crate::scoring::pool::{Recalled, ScoreRequest, Scored, WorkerPool};
use weir_feed::RankRequest;
use weir_supervision::ActorRef;

/// A scorer pool as those use it who want scores.
#[derive(Clone)]
pub struct PoolHandle {
    /// Its threads, for the scores that need none of them.
    pub workers: Arc<ArcSwap<WorkerPool>>,
    /// Takes the requests for the others.
    pub actor: ActorRef<ScorerPool>,
    /// The longest time that a request waits for the scorer.
    pub time_limit: Duration,
    /// Time that a request must have waited for its lateness to be the scorer's, not that of a short deadline.
    pub patience: Duration,
}

impl PoolHandle {
    pub(crate) fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// Returns the scores of `feed` that need no thread. The others arrive on `reply` by the deadline, marked with `tag`.
    pub(crate) fn ask(
        &self,
        feed: &Arc<RankRequest>,
        deadline: Instant,
        tag: usize,
        reply: &UnboundedSender<Scored>,
    ) -> Vec<(usize, Result<f64, ScoreError>)> {
        let Recalled { known, unknown } = self.workers.load().recall(feed);
        if !unknown.is_empty() {
            self.actor.tell(Score(ScoreRequest {
                feed: Arc::clone(feed),
                places: unknown,
                deadline,
                tag,
                reply: reply.clone(),
            }));
        }
        known
    }

    /// Notes items whose scores a request waited for until its deadline. Where the scorer's own time limit ended the wait,
    /// the pool knows by itself.
    pub(crate) fn note_late(&self, items: usize, started: Instant, until: Instant) {
        let waited = until - started;
        if items > 0 && waited < self.time_limit && waited >= self.patience {
            self.workers.load().note_late(items);
        }
    }
}
