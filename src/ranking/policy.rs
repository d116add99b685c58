use super::{AuthorDecay, Matching, Scale};

/// How the items of a feed are weighed. An item's value is
/// `entity_weight` x (-1 if it names a top entity, else +1) + the sum of weight x scaled score over the terms.
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
    /// How further posts of an author count less; `None` if they count alike.
    pub author_decay: Option<AuthorDecay>,
    /// Whether comments stand behind what they answer, wherever they would stand by their own value.
    pub keep_threads: bool,
}

/// One scorer's part in a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The scorer's name.
    pub scorer: String,
    /// What its scaled scores are multiplied by. A term of weight 0 may still remove items.
    pub weight: f64,
    /// What its raw scores become first.
    pub scale: Scale,
    /// What to do with an item that it gave no finite score.
    pub unscored: Unscored,
    /// Which items it removes from the feed.
    pub exclude: Exclude,
}

/// What to do with an item without a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unscored {
    /// Weigh it by this raw score.
    Default(f64),
    /// Leave it in its incoming place.
    KeepPosition,
}

/// Raw scores that remove their items; an item without a score stays.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exclude {
    /// Scores below this remove.
    pub below: Option<f64>,
    /// Scores above this remove.
    pub above: Option<f64>,
}

impl Policy {
    /// A policy of this name in which nothing matters.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            entity_weight: 0.0,
            matching: Matching::default(),
            terms: Vec::new(),
            author_decay: None,
            keep_threads: false,
        }
    }

    /// Whether top entities matter to it.
    pub fn uses_entities(&self) -> bool {
        self.entity_weight != 0.0
    }
}

impl Term {
    /// A term that weighs a scorer's scores as they are, 0 where there is none.
    pub fn weighing(scorer: &str, weight: f64) -> Self {
        Self {
            scorer: scorer.to_owned(),
            weight,
            scale: Scale::default(),
            unscored: Unscored::Default(0.0),
            exclude: Exclude::default(),
        }
    }
}

impl Exclude {
    pub(super) fn removes(self, score: f64) -> bool {
        self.below.is_some_and(|below| score < below)
            || self.above.is_some_and(|above| score > above)
    }

    fn is_set(self) -> bool {
        self.below.is_some() || self.above.is_some()
    }
}

impl Term {
    /// Whether its scores can change an order.
    pub fn matters(&self) -> bool {
        self.weight != 0.0 || self.exclude.is_set()
    }
}
