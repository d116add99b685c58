use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use chrono::TimeDelta;

use super::supervision::ActorRef;
use super::{ScorerPool, ServedInsert};
use crate::ranking::Policy;
use crate::scoring::pool::WorkerPool;

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

/// A scorer pool as a policy uses it.
pub struct ServedPool {
    /// Its threads, for what they remember.
    pub workers: Arc<ArcSwap<WorkerPool>>,
    /// Where to ask for what they do not.
    pub actor: ActorRef<ScorerPool>,
    /// How long a request waits for it at the longest.
    pub time_limit: Duration,
}

impl fmt::Debug for ServedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedPolicy")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
