use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::UnboundedSender;

use super::{BatchScores, WorkerPool};
use crate::scoring::ItemScore;
use weir_feed::RankRequest;

/// Handle of a scorer's pool, for those who ask for scores. It stays valid when the threads behind it are replaced.
#[derive(Clone)]
pub struct PoolHandle {
    workers: Arc<ArcSwap<WorkerPool>>,
    /// Time that a request must have waited for its lateness to be the scorer's and not that of a short deadline.
    patience: Duration,
}

impl PoolHandle {
    /// Creates a handle of the pool that `workers` holds at the time of a request.
    pub fn new(workers: Arc<ArcSwap<WorkerPool>>, patience: Duration) -> Self {
        Self { workers, patience }
    }

    /// Returns the longest time that a request waits for this scorer.
    pub fn time_limit(&self) -> Duration {
        self.workers.load().time_limit()
    }

    /// See [`WorkerPool::ask`].
    pub fn ask(
        &self,
        feed: &Arc<RankRequest>,
        deadline: Instant,
        tag: usize,
        reply: &UnboundedSender<BatchScores>,
    ) -> Vec<(usize, ItemScore)> {
        self.workers.load().ask(feed, deadline, tag, reply)
    }

    /// Records items whose scores a request waited for from `begun` to its deadline `until`. If the scorer's own time limit
    /// ended the wait, the pool counts them itself.
    pub fn note_late(&self, items: usize, begun: Instant, until: Instant) {
        let workers = self.workers.load();
        let waited = until - begun;
        if items > 0 && waited < workers.time_limit() && waited >= self.patience {
            workers.note_late(items);
        }
    }
}
