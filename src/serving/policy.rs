use super::stages::diversity::AuthorDecay;
use super::stages::removal::RemovalRule;
use crate::ranking::{EntityMatch, ScoreScale};
use crate::scoring::MissingScorePolicy;

/// How the items of a feed are ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Name by which the policy is configured and reported.
    pub name: String,
    /// Weight of the entity term; 0 leaves the term out.
    pub entity_weight: f64,
    /// When an item counts as naming an entity.
    pub entity_match: EntityMatch,
    /// Terms of the scorers; a scorer without one does not run.
    pub terms: Vec<ScorerTerm>,
    /// How further posts of one author count less.
    pub author_decay: AuthorDecay,
    /// Whether comments stand behind what they answer, whatever their own value.
    pub keep_threads: bool,
}

/// Part of one scorer in a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerTerm {
    /// Name of the scorer.
    pub scorer: String,
    /// Factor of its scaled scores. A term of weight 0 may still remove items.
    pub weight: f64,
    /// What its raw scores become first.
    pub scale: ScoreScale,
    /// What to do with an item without a finite score.
    pub missing: MissingScorePolicy,
    /// Raw score of such an item, if it is weighed all the same.
    pub default: f64,
    /// Which items it removes from the feed.
    pub removal: RemovalRule,
}

impl Policy {
    /// Creates a policy that leaves every feed as it is.
    pub fn incoming_order(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            entity_weight: 0.0,
            entity_match: EntityMatch::default(),
            terms: Vec::new(),
            author_decay: AuthorDecay::default(),
            keep_threads: false,
        }
    }

    /// Returns whether top entities matter.
    pub(crate) fn uses_entities(&self) -> bool {
        self.entity_weight != 0.0
    }
}

impl ScorerTerm {
    /// Creates a term that weighs scores as they are, and 0 where there is none.
    pub fn new(scorer: &str, weight: f64) -> Self {
        Self {
            scorer: scorer.to_owned(),
            weight,
            scale: ScoreScale::default(),
            missing: MissingScorePolicy::default(),
            default: 0.0,
            removal: RemovalRule::default(),
        }
    }

    /// Returns whether the scores can change an order.
    pub(crate) fn matters(&self) -> bool {
        self.weight != 0.0 || self.removal.is_set()
    }

    /// Returns the raw score of an item without one. An item that keeps its position has no use for a value.
    pub(super) fn default_score(&self) -> f64 {
        match self.missing {
            MissingScorePolicy::Default => self.default,
            MissingScorePolicy::KeepPosition => 0.0,
        }
    }
}
