//! How a Weir is put together, and in which order it is taken apart.

mod application;
mod error;
mod ingest;
mod schedules;
mod scrapers;
mod serving;
mod stores;

pub use application::Application;
pub use error::StartupError;
pub use schedules::prepare_schedules;
pub use scrapers::{PreparedScraper, prepare_scrapers};
