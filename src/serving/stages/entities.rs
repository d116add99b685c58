use std::sync::Arc;

use crate::ranking::{EntityFlags, Matching, TopEntitySet};
use weir_feed::{Degraded, RankRequest};

/// Which items of a feed name which top entities.
pub(crate) struct EntityMatches {
    set: Arc<TopEntitySet>,
    entities: Vec<Option<usize>>,
}

impl EntityMatches {
    /// Looks through all items of `feed`.
    pub(crate) fn of(feed: &RankRequest, matching: Matching, set: Arc<TopEntitySet>) -> Self {
        let entities = feed
            .items
            .iter()
            .map(|item| set.matcher.find(item, matching))
            .collect();
        Self { set, entities }
    }

    /// For each item, whether it names any.
    pub(crate) fn flags(&self) -> EntityFlags {
        self.entities.iter().map(Option::is_some).collect()
    }

    /// What the item in this place names.
    pub(crate) fn name(&self, place: usize) -> Option<&str> {
        self.entities[place].map(|entity| self.set.matcher.name(entity))
    }
}

/// The entities were of no use to a feed of `items` items.
pub(crate) fn without_entities(items: usize, why: &'static str) -> Degraded {
    Degraded {
        part: "entities".into(),
        missed: items,
        why: why.into(),
    }
}
