//! How a Weir is put together, and in which order it is taken apart.

mod application;
mod background;
mod error;
mod schedules;
mod serving;
mod stores;

pub use application::Application;
pub use error::StartupError;
pub use schedules::prepare_schedules;
