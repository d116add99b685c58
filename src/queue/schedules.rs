//! Schedules: what is due when, and what became of the last run. Each due time fires once, whoever asks and however often.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{JobId, JobQueue, JobState, NewJob, QueueError};
use crate::store::StoreError;
use crate::store::backend::on_backend;

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

/// The schedules of a queue; made by [`JobQueue::schedules`].
#[derive(Clone)]
pub struct Schedules {
    pub(super) queue: JobQueue,
}

impl Schedules {
    /// Makes a schedule that is first due at `first_due`. One that was planned before with the same `definition` keeps
    /// its state, so that a restart neither fires twice nor misses; another definition starts anew.
    pub async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (name, definition) = (name.to_owned(), definition.to_owned());
        self.queue
            .store
            .call(on_backend!(
                self.queue.backend,
                plan(&name, &definition, first_due)
            ))
            .await
    }

    /// Removes a schedule; whether there was one.
    pub async fn unplan(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.queue
            .store
            .call(on_backend!(self.queue.backend, unplan(&name)))
            .await
    }

    /// Fires the due time `due` of a schedule once, whoever asks and however often: enqueues `job` and advances the schedule
    /// to `next`. The job keeps its start, so it may wait on. A run that has not finished is not joined by another.
    pub async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
        job: NewJob,
    ) -> Result<Fired, QueueError> {
        let (name, limits) = (name.to_owned(), self.queue.limits);
        let job = job.for_schedule(&name, due);
        let fired = self
            .queue
            .store
            .call(on_backend!(
                self.queue.backend,
                fire(&name, due, next, &job, &limits)
            ))
            .await?;
        fired.ok_or(self.queue.full())
    }

    /// Passes over the due time `due`: advances the schedule to `next` without a run. `false` if another has fired or
    /// passed it, or the schedule was changed.
    pub async fn pass(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.queue
            .store
            .call(on_backend!(self.queue.backend, pass(&name, due, next)))
            .await
    }

    /// Returns all schedules by name, and the time of the store.
    pub async fn states(&self) -> Result<ScheduleStates, StoreError> {
        self.queue
            .store
            .call_for("schedules", on_backend!(self.queue.backend, schedules()))
            .await
    }
}
