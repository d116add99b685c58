use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ranking::{EntityFlags, EntityMatcher, Matching};
use weir_feed::{Degraded, RankRequest};

/// The newest top entities, ready to match: written by the `EntityBoard`, read by every Ranker without waiting.
#[derive(Clone, Default)]
pub struct Board {
    newest: Arc<ArcSwapOption<Posted>>,
}

/// Top entities as posted.
pub struct Posted {
    /// Finds them in a text.
    pub matcher: EntityMatcher,
    /// When they were counted.
    pub dated: DateTime<Utc>,
}

impl Board {
    /// Puts up newer entities, or none.
    pub fn post(&self, posted: Option<Posted>) {
        self.newest.store(posted.map(Arc::new));
    }

    /// What is up now, whatever its age.
    pub fn newest(&self) -> Option<Arc<Posted>> {
        self.newest.load_full()
    }

    /// What is up now, unless it is older than `max_age` at `now`; then what an answer is to say of it.
    pub fn fresh(
        &self,
        max_age: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Arc<Posted>, &'static str> {
        let posted = self.newest().ok_or("no top entities yet")?;
        if now.signed_duration_since(posted.dated) > max_age {
            return Err("top entities too old");
        }
        Ok(posted)
    }
}

/// Which items of a feed name which top entities.
pub(super) struct Naming {
    posted: Arc<Posted>,
    entities: Vec<Option<usize>>,
}

impl Naming {
    /// Looks through all items of `feed`.
    pub(super) fn of(feed: &RankRequest, matching: Matching, posted: Arc<Posted>) -> Self {
        let entities = feed
            .items
            .iter()
            .map(|item| posted.matcher.find(item, matching))
            .collect();
        Self { posted, entities }
    }

    /// For each item, whether it names any.
    pub(super) fn flags(&self) -> EntityFlags {
        self.entities.iter().map(Option::is_some).collect()
    }

    /// What the item in this place names.
    pub(super) fn name(&self, place: usize) -> Option<&str> {
        self.entities[place].map(|entity| self.posted.matcher.name(entity))
    }
}

/// The entities were of no use to a feed of `items` items.
pub(super) fn without_entities(items: usize, why: &'static str) -> Degraded {
    Degraded {
        part: "entities".into(),
        missed: items,
        why: why.into(),
    }
}
