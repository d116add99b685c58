//! How an instance is put together, follows its settings, and is shut down.

mod application;
mod error;
mod ingestion;
mod jobs;
mod pools;
mod preparation;
mod presence;
mod programs;
mod recording;
mod reload;
mod running;
mod runtime;
mod serving;
mod shutdown;
mod stores;

pub use application::{Application, StartOptions};
pub use error::StartupError;
pub use ingestion::check_scrapers;
pub use jobs::prepare_schedules;
pub use preparation::InitialData;
