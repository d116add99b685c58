//! What is asked of the tables `scraper_data` and `scraper_errors`.

mod insert;
mod newest;

pub use insert::{NewScrapedPost, NewScraperError, ScrapedOutcome};
pub use newest::ScrapedRow;
