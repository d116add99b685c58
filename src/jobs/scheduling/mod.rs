//! Schedules: what runs when, and how the states in the store are brought in line with it.

mod clock_watch;
mod config;
mod cron_syntax;
mod reconciler;
mod schedule;
mod timetable;

pub use config::{CatchUp, ScheduleConfig};
pub use cron_syntax::CronFieldError;
pub(crate) use reconciler::ScheduleReconciler;
pub use reconciler::{SchedulerCounters, SchedulerDeps};
pub use schedule::Schedule;
pub use timetable::{CronError, CronExpression, Timetable};
