//! Schedules as the store keeps them: what is due when, and what became of the last run.

mod handle;
mod schedule;
mod store;

pub use handle::Schedules;
pub use schedule::{Fired, Schedule, ScheduleBoard};
pub use store::ScheduleStore;
