//! How a Weir is put together, and in which order it is taken apart.

mod access;
mod application;
mod arms;
mod background;
mod background_runtime;
mod error;
mod ingest;
mod pools;
mod presence;
mod rankings;
mod reload;
mod schedules;
mod scrapers;
mod serving;
mod stores;

pub use application::{Application, FirstPosts, Start};
pub use arms::ArmsError;
pub use error::StartupError;
pub use schedules::prepare_schedules;
pub use scrapers::check_scrapers;
