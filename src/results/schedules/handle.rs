//! The handle on schedules.

use chrono::{DateTime, Utc};

use super::{Fired, ScheduleBoard};
use crate::results::Results;
use crate::results::error::ResultsError;
use crate::results::jobs::{Limits, NewJob};

/// The schedules of a results store; made by [`Results::schedules`]. Calls keep the limits of [`Results`].
#[derive(Clone)]
pub struct Schedules {
    results: Results,
    limits: Limits,
}

impl Schedules {
    pub(in crate::results) fn new(results: Results, limits: Limits) -> Self {
        Self { results, limits }
    }

    /// Makes a schedule that is first due at `first_due`. One that was planned before with the same `definition` keeps
    /// its state, so that a restart neither fires twice nor misses; another definition starts anew.
    pub async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), ResultsError> {
        let (name, definition) = (name.to_owned(), definition.to_owned());
        self.results
            .call(|inner| async move { inner.store.plan(&name, &definition, first_due).await })
            .await
    }

    /// Removes a schedule; whether there was one.
    pub async fn unplan(&self, name: &str) -> Result<bool, ResultsError> {
        let name = name.to_owned();
        self.results
            .call(|inner| async move { inner.store.unplan(&name).await })
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
    ) -> Result<Fired, ResultsError> {
        let (name, limits) = (name.to_owned(), self.limits);
        let job = job.of_schedule(&name, due);
        self.results
            .call(|inner| async move { inner.store.fire(&name, due, next, &job, &limits).await })
            .await
    }

    /// Passes over the due time `due`: advances the schedule to `next` without a run. `false` if another has fired or
    /// passed it, or the schedule was changed.
    pub async fn pass(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<bool, ResultsError> {
        let name = name.to_owned();
        self.results
            .call(|inner| async move { inner.store.pass(&name, due, next).await })
            .await
    }

    /// All schedules by name, and the store's time.
    pub async fn board(&self) -> Result<ScheduleBoard, ResultsError> {
        self.results
            .call_of(
                "schedules",
                |inner| async move { inner.store.schedules().await },
            )
            .await
    }
}
