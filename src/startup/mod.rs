//! How a Weir is put together, and in which order it is taken apart.

mod application;
mod arms;
mod error;
mod pools;
mod reload;
mod roster;
mod schedules;
mod stores;

pub use application::{Application, FirstPosts, Start};
pub use arms::ArmsError;
pub use error::StartupError;
pub use schedules::prepare_schedules;
