//! A schedule's state.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::queue::{JobId, JobState};

/// What the store knows of a schedule. It outlives restarts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleState {
    /// Its name.
    pub name: String,
    /// The definition that it was planned with.
    pub definition: String,
    /// When it is due next.
    pub next_due: DateTime<Utc>,
    /// The due time for which it last fired.
    pub last_due: Option<DateTime<Utc>>,
    /// The job it last fired.
    pub last_job: Option<JobId>,
    /// How that job finished; `None` while it has not.
    pub last_outcome: Option<JobState>,
    /// When that job finished.
    pub last_finished_at: Option<DateTime<Utc>>,
}

/// All schedules, and the store's time: what is due is due by this clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleStates {
    /// The store's time.
    pub now: DateTime<Utc>,
    /// The schedules by name.
    pub schedules: Vec<ScheduleState>,
}

/// What became of a due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    /// Its job is queued; the schedule is due again at the next time.
    Enqueued(JobId),
    /// The job before has not finished, so this time is skipped.
    StillRunning,
    /// Another has fired or skipped it, or the schedule was changed or removed.
    Passed,
    /// It is not due yet, by the store's clock.
    Early,
}
