use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use super::stages::insertion::InsertionStage;
use crate::actors::serving::Rankers;
use crate::ranking::{Arms, Policy};
use crate::scoring::pool::PoolHandle;
use weir_feed::Session;

/// Everything that `/rank` and `/score` serve by, made whole from one version of the settings. A request keeps the one that it
/// began with.
pub struct ServingConfig {
    /// The policy in force.
    pub policy: Arc<ActivePolicy>,
    /// All policies by name.
    pub policies: BTreeMap<String, Arc<ActivePolicy>>,
    /// All scorer pools by name.
    pub scorers: BTreeMap<String, PoolHandle>,
    /// Attributes of the Perspective route, with the outputs that answer for them.
    pub perspective: PerspectiveAttributes,
    /// Which users get which policy, where that is not the policy in force.
    pub arms: ActiveArms,
    /// The longest time to an answer.
    pub deadline: Duration,
    /// Whether answers show `intervention_on` alone.
    pub minimal_metadata: bool,
    /// Version of the settings that all this was made from.
    pub config_version: Arc<str>,
    /// The ranker actors.
    pub rankers: Rankers,
}

/// Attributes that `POST /v1alpha1/comments:analyze` knows.
#[derive(Default)]
pub struct PerspectiveAttributes {
    /// Pool of a scorer and index of its output, by attribute.
    pub(crate) attributes: BTreeMap<String, (PoolHandle, usize)>,
    /// Languages of comments; empty for all.
    pub(crate) languages: Vec<String>,
}

/// A policy together with the parts that it needs.
pub struct ActivePolicy {
    /// How feeds are ordered.
    pub policy: Policy,
    /// Pools of the scorers that the policy uses, each once.
    pub pools: Vec<PoolHandle>,
    /// Where the scores of each term of the policy are, in the order of the terms.
    pub(crate) columns: Vec<ColumnSource>,
    /// How candidates are inserted, if they are.
    pub(crate) insertion: Option<InsertionStage>,
    /// Age from which top entities are not used.
    pub max_entity_age: TimeDelta,
}

/// Output of a scorer, by the indices of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnSource {
    /// Index among the pools of the policy.
    pub(crate) pool: usize,
    /// Index among the outputs of the scorer.
    pub(crate) output: usize,
}

/// The arms of an experiment, as they are served.
pub struct ActiveArms {
    /// The arms.
    pub arms: Arms,
    /// Policy of users who are in no arm, while there are arms.
    pub otherwise: Arc<ActivePolicy>,
    /// Requests since the arms were last changed.
    pub counts: Arc<AssignmentCounts>,
}

/// Arm of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// There are no arms, or the policy was asked for by name.
    Everybody,
    /// The arm of this name.
    Arm(Arc<str>),
    /// No arm, or a disabled one.
    Unassigned,
}

/// Requests by whether their users were in an arm.
#[derive(Debug, Default)]
pub struct AssignmentCounts {
    assigned: AtomicU64,
    unassigned: AtomicU64,
}

impl ServingConfig {
    /// Returns the arm of the session's user and the policy for it.
    pub(super) fn assign(&self, session: &Session) -> (Assignment, Arc<ActivePolicy>) {
        if self.arms.arms.is_empty() {
            return (Assignment::Everybody, Arc::clone(&self.policy));
        }
        let arm = self.arms.arms.assign(session);
        let treated = arm.and_then(|arm| {
            let policy = self.policies.get(arm.policy.as_ref()?)?;
            Some((Assignment::Arm(Arc::clone(&arm.name)), Arc::clone(policy)))
        });
        treated.unwrap_or_else(|| (Assignment::Unassigned, Arc::clone(&self.arms.otherwise)))
    }
}

impl ActivePolicy {
    /// Creates a policy that leaves feeds as they are and asks no scorer.
    pub fn incoming_order(name: &str) -> Self {
        Self::new(Policy::incoming_order(name), Vec::new(), TimeDelta::MAX)
    }

    /// Creates a policy that inserts nothing, with a pool of one output for each of its terms.
    pub fn new(policy: Policy, pools: Vec<PoolHandle>, max_entity_age: TimeDelta) -> Self {
        let source = |pool| ColumnSource { pool, output: 0 };
        Self {
            policy,
            columns: (0..pools.len()).map(source).collect(),
            pools,
            insertion: None,
            max_entity_age,
        }
    }
}

impl fmt::Debug for ActivePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActivePolicy")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Assignment {
    /// Returns the name of the arm.
    pub(super) fn arm(&self) -> Option<&str> {
        match self {
            Self::Arm(name) => Some(name),
            Self::Everybody | Self::Unassigned => None,
        }
    }

    /// Returns the name by which requests are counted. An arm's name has no parentheses.
    pub(super) fn label(&self) -> Option<metrics::SharedString> {
        match self {
            Self::Everybody => None,
            Self::Arm(name) => Some(Arc::clone(name).into()),
            Self::Unassigned => Some("(unassigned)".into()),
        }
    }
}

impl AssignmentCounts {
    /// Counts a request.
    pub(super) fn count(&self, assignment: &Assignment) {
        let counter = match assignment {
            Assignment::Everybody => return,
            Assignment::Arm(_) => &self.assigned,
            Assignment::Unassigned => &self.unassigned,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of requests of unassigned users and their share of all, or `None` if there were none.
    pub(crate) fn unassigned(&self) -> Option<(u64, f64)> {
        let unassigned = self.unassigned.load(Ordering::Relaxed);
        let all = unassigned + self.assigned.load(Ordering::Relaxed);
        (unassigned > 0).then(|| (unassigned, unassigned as f64 / all as f64))
    }
}
