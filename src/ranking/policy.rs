use super::Matching;

/// How the items of a feed are weighed. An item's value is
/// `entity_weight` x (-1 if it names a top entity, else +1) + the sum of weight x score over the terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The name it is configured and reported by.
    pub name: String,
    /// The weight of the entity term; 0 leaves the term out.
    pub entity_weight: f64,
    /// When an item counts as naming an entity.
    pub matching: Matching,
    /// The scorer terms; a scorer that has none does not run.
    pub terms: Vec<Term>,
}

/// One scorer's part in a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The scorer's name.
    pub scorer: String,
    /// What its scores are multiplied by.
    pub weight: f64,
    /// Stands in for a score that is missing or not finite.
    pub default: f64,
}

impl Policy {
    /// Whether top entities matter to it.
    pub fn uses_entities(&self) -> bool {
        self.entity_weight != 0.0
    }
}
