//! Schedules as the store keeps them: what is due when, and what became of the last run.

mod backend;
mod handle;
mod state;

pub(crate) use backend::ScheduleStore;
pub use handle::Schedules;
pub use state::{Fired, ScheduleState, ScheduleStates};
