//! Passes over a source: page by page into an outbox, and what operators see of them.

mod pass;
mod scrape_context;
mod scraper_log;

pub(crate) use pass::{Pass, ScrapeError, run_once};
pub use scrape_context::ScrapeContext;
pub use scraper_log::{ScraperLog, ScraperReport};
