//! Actors that bring posts from outside into the database.

mod ingester;
mod scraper;

pub use ingester::{
    Batch, IngestError, IngestHandle, Ingested, Ingester, IngesterCounters, IngesterDeps,
};
pub use scraper::{RunNow, RunNowAnswer, RunningScrapers, Scraper, ScraperDeps, ScraperHandle};
