//! How an instance is put together, follows its settings, and is shut down.

mod access;
mod application;
mod error;
mod ingestion;
mod jobs;
mod pools;
mod preparation;
mod presence;
mod recording;
mod reload;
mod running;
mod runtime;
mod schedules;
mod serving;
mod shutdown;
mod stores;

pub use application::{Application, StartOptions};
pub use error::StartupError;
pub use ingestion::check_scrapers;
pub use preparation::InitialData;
pub use schedules::prepare_schedules;
