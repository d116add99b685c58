use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Scraper;
use crate::ingestion::ScraperLog;
use weir_supervision::ActorRef;

/// A scraper and its log.
#[derive(Clone)]
pub struct ScraperHandle {
    /// The actor.
    pub actor: ActorRef<Scraper>,
    /// Record of its passes.
    pub log: Arc<ScraperLog>,
}

/// The scrapers that run now, read without locks.
#[derive(Clone, Default)]
pub struct RunningScrapers(Arc<ArcSwap<Vec<ScraperHandle>>>);

impl RunningScrapers {
    /// Replaces the list.
    pub fn replace(&self, scrapers: Vec<ScraperHandle>) {
        self.0.store(Arc::new(scrapers));
    }

    /// Returns the list as it is now.
    pub fn all(&self) -> Arc<Vec<ScraperHandle>> {
        self.0.load_full()
    }
}
