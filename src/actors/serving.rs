use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::messages::Rank;
use super::supervision::ActorRef;
use super::{Ranker, ServedPolicy, ServedPool};
use crate::feed::Session;
use crate::ranking::{Arm, Arms};

/// What `/rank` serves by, made whole from one version of the settings. A request keeps the one it began with.
pub struct Serving {
    /// The policy in force.
    pub policy: Arc<ServedPolicy>,
    /// Every policy, by name.
    pub policies: BTreeMap<String, Arc<ServedPolicy>>,
    /// Every scorer, by name.
    pub scorers: BTreeMap<String, ServedPool>,
    /// Which users get which policy, where that is not the policy in force.
    pub arms: Arms,
    /// The longest time to an answer.
    pub deadline: Duration,
    /// Whether answers show `intervention_on` alone.
    pub minimal_metadata: bool,
    /// Who ranks.
    pub rankers: Rankers,
}

impl Serving {
    /// The arm that the session's user is in, and the policy for them.
    pub fn of(&self, session: &Session) -> (Option<&Arm>, &Arc<ServedPolicy>) {
        let arm = self.arms.of(session);
        let policy = arm
            .and_then(|arm| arm.policy.as_ref())
            .and_then(|policy| self.policies.get(policy));
        (
            arm.filter(|_| policy.is_some()),
            policy.unwrap_or(&self.policy),
        )
    }
}

/// The rankers, asked in turn.
pub struct Rankers {
    actors: Vec<ActorRef<Ranker>>,
    next: AtomicUsize,
}

impl Rankers {
    /// Hands feeds to `actors` in turn.
    pub fn new(actors: Vec<ActorRef<Ranker>>) -> Self {
        Self {
            actors,
            next: AtomicUsize::new(0),
        }
    }

    /// Gives the feed to the next ranker. Without any, its reply is dropped, as by a ranker that died.
    pub fn rank(&self, message: Rank) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(ranker) = turn
            .checked_rem(self.actors.len())
            .and_then(|place| self.actors.get(place))
        {
            ranker.tell(message);
        }
    }
}
