use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use tokio::sync::mpsc::UnboundedSender;

use super::stages::insertion::ServedInsert;
use crate::actors::ScorerPool;
use crate::actors::messages::Score;
use crate::ranking::Policy;
use crate::scoring::ScoreError;
use crate::scoring::pool::{Recalled, ScoreRequest, Scored, WorkerPool};
use weir_feed::RankRequest;
use weir_supervision::ActorRef;

/// A policy together with the pools it needs.
pub struct ServedPolicy {
    /// What to do with the scores.
    pub policy: Policy,
    /// A pool for each of the policy's terms, in their order.
    pub pools: Vec<ServedPool>,
    /// How posts are inserted, if they are.
    pub insert: Option<ServedInsert>,
    /// Top entities that were counted longer ago are not used.
    pub max_entity_age: TimeDelta,
}

/// A scorer pool as those use it who want scores.
#[derive(Clone)]
pub struct ServedPool {
    /// Its threads, for what they remember.
    pub workers: Arc<ArcSwap<WorkerPool>>,
    /// Where to ask for what they do not.
    pub actor: ActorRef<ScorerPool>,
    /// How long a request waits for it at the longest.
    pub time_limit: Duration,
    /// The time that a request must have waited for its lateness to be the scorer's, not that of a short deadline.
    pub patience: Duration,
}

impl ServedPolicy {
    /// Returns a policy of this name that leaves feeds as they are and asks no scorer.
    pub fn incoming_order(name: &str) -> Self {
        Self {
            policy: Policy::named(name),
            pools: Vec::new(),
            insert: None,
            max_entity_age: TimeDelta::MAX,
        }
    }
}

impl ServedPool {
    /// The scores of `feed` that are remembered. The others are asked for, to come on `reply` by the deadline.
    pub(super) fn ask(
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
    pub(super) fn note_late(&self, items: usize, begun: Instant, until: Instant) {
        let waited = until - begun;
        if items > 0 && waited < self.time_limit && waited >= self.patience {
            self.workers.load().note_late(items);
        }
    }
}

impl fmt::Debug for ServedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedPolicy")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
