//! Actors that bring posts from outside into the database.

mod ingester;
mod running_scrapers;
mod scraper;

pub use ingester::{
    Batch, IngestError, IngestHandle, Ingested, Ingester, IngesterCounters, IngesterDeps,
};
pub use running_scrapers::{RunningScrapers, ScraperHandle};
pub use scraper::{RunNow, RunNowAnswer, Scraper, ScraperDeps};
