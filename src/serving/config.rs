use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::{ServedPolicy, ServedPool};
use crate::actors::messages::Rank;
use crate::actors::serving::Ranker;
use crate::ranking::Arms;
use weir_feed::Session;
use weir_supervision::ActorRef;

/// What `/rank` serves by, made whole from one version of the settings. A request keeps the one it began with.
pub struct Serving {
    /// The policy in force.
    pub policy: Arc<ServedPolicy>,
    /// Every policy, by name.
    pub policies: BTreeMap<String, Arc<ServedPolicy>>,
    /// Every scorer, by name.
    pub scorers: BTreeMap<String, ServedPool>,
    /// Which users get which policy, where that is not the policy in force.
    pub arms: ServedArms,
    /// The longest time to an answer.
    pub deadline: Duration,
    /// Whether answers show `intervention_on` alone.
    pub minimal_metadata: bool,
    /// Names the settings that all this was made from.
    pub config_version: Arc<str>,
    /// Who ranks.
    pub rankers: Rankers,
}

impl Serving {
    /// Returns the group of the session's user and the policy for them.
    pub fn of(&self, session: &Session) -> (Group<'_>, &Arc<ServedPolicy>) {
        if self.arms.arms.is_empty() {
            return (Group::Everybody, &self.policy);
        }
        let arm = self.arms.arms.of(session);
        let treated = arm.and_then(|arm| {
            let policy = self.policies.get(arm.policy.as_ref()?)?;
            Some((Group::Arm(&arm.name), policy))
        });
        treated.unwrap_or((Group::Unassigned, &self.arms.otherwise))
    }
}

/// The arms of an experiment, as they are served.
pub struct ServedArms {
    /// The division of the users.
    pub arms: Arms,
    /// The policy of users who are in no arm, while there are arms.
    pub otherwise: Arc<ServedPolicy>,
    /// Requests since the arms were last changed.
    pub counts: Arc<ArmCounts>,
}

/// The group of users that one user belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group<'s> {
    /// All users: there are no arms, or the policy was asked for by name.
    Everybody,
    /// The users of the arm of this name.
    Arm(&'s str),
    /// The users in no arm, or in a disabled one.
    Unassigned,
}

impl<'s> Group<'s> {
    /// Returns the arm's name.
    pub fn arm(self) -> Option<&'s str> {
        match self {
            Self::Arm(name) => Some(name),
            Self::Everybody | Self::Unassigned => None,
        }
    }

    /// Returns the name by which requests of this group are counted. An arm's name has no parentheses.
    pub fn label(self) -> Option<&'s str> {
        match self {
            Self::Everybody => None,
            Self::Arm(name) => Some(name),
            Self::Unassigned => Some("(unassigned)"),
        }
    }
}

/// Requests by whether their users were in an arm.
#[derive(Debug, Default)]
pub struct ArmCounts {
    assigned: AtomicU64,
    unassigned: AtomicU64,
}

impl ArmCounts {
    /// Counts a request of a user of `group`.
    pub fn count(&self, group: Group<'_>) {
        let counter = match group {
            Group::Everybody => return,
            Group::Arm(_) => &self.assigned,
            Group::Unassigned => &self.unassigned,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of requests of unassigned users and their share of all, or `None` if there were none.
    pub fn unassigned(&self) -> Option<(u64, f64)> {
        let unassigned = self.unassigned.load(Ordering::Relaxed);
        let all = unassigned + self.assigned.load(Ordering::Relaxed);
        (unassigned > 0).then(|| (unassigned, unassigned as f64 / all as f64))
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
