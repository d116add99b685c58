use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc::UnboundedSender;

use super::{BatchScores, WorkerPool};
use crate::scoring::{ItemScore, Outputs};
use weir_feed::RankRequest;

/// Handle of a scorer's pool, for those who ask for scores. It stays valid when the threads behind it are replaced.
#[derive(Clone)]
pub struct PoolHandle {
    scorer: Arc<str>,
    outputs: Outputs,
    workers: Arc<ArcSwap<WorkerPool>>,
    /// Time that a request must have waited for its lateness to be the scorer's and not that of a short deadline.
    patience: Duration,
}

impl PoolHandle {
    /// Creates a handle of the pool that `workers` holds at the time of a request. All pools that it ever holds have the same
    /// outputs.
    pub fn new(workers: Arc<ArcSwap<WorkerPool>>, patience: Duration) -> Self {
        let pool = workers.load();
        Self {
            scorer: pool.scorer().into(),
            outputs: pool.outputs().clone(),
            workers,
            patience,
        }
    }

    /// Returns the name of the scorer.
    pub fn scorer(&self) -> &str {
        &self.scorer
    }

    /// Returns the outputs of the rows that the pool answers with.
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Returns the version of the scorer's model, where it is known.
    pub fn version(&self) -> Option<String> {
        self.workers.load().version()
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
