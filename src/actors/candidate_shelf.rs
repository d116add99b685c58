use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};

use crate::ranking::Candidates;
use weir_feed::Platform;

/// The newest candidates of each platform: written by the `CandidateBoard`, read by every Ranker without waiting.
#[derive(Clone)]
pub struct CandidateShelf {
    lists: Arc<BTreeMap<Platform, ArcSwapOption<Candidates>>>,
}

impl Default for CandidateShelf {
    fn default() -> Self {
        let empty = |&platform: &Platform| (platform, ArcSwapOption::empty());
        Self {
            lists: Arc::new(Platform::ALL.iter().map(empty).collect()),
        }
    }
}

impl CandidateShelf {
    /// Puts up a newer list, or none.
    pub fn post(&self, platform: Platform, candidates: Option<Candidates>) {
        if let Some(list) = self.lists.get(&platform) {
            list.store(candidates.map(Arc::new));
        }
    }

    /// What is up, unless it is older than `max_age` at `now`; then what an answer is to say of it.
    pub fn fresh(
        &self,
        platform: Platform,
        max_age: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Arc<Candidates>, &'static str> {
        let list = self.lists.get(&platform).map(ArcSwapOption::load_full);
        let list = list.flatten().ok_or("no candidates yet")?;
        match list.timestamp {
            Some(dated) if now.signed_duration_since(dated) <= max_age => Ok(list),
            _ => Err("candidates too old"),
        }
    }
}
