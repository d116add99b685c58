//! Schedules: what runs when, and how the states in the store are brought in line with it.

mod clock_watch;
mod reconciler;
mod schedule;

pub(crate) use reconciler::ScheduleReconciler;
pub use reconciler::{SchedulerCounters, SchedulerDeps};
pub use schedule::Schedule;
