//! The handle on schedules.

use chrono::{DateTime, Utc};

use super::{Fired, ScheduleStates};
use crate::queue::{NewJob, QueueLimits};
use crate::store::Store;
use crate::store::error::StoreError;

/// The schedules of a results store; made by [`Self::new`]. Calls keep the time limits of [`Store`].
#[derive(Clone)]
pub struct Schedules {
    store: Store,
    limits: QueueLimits,
}

impl Schedules {
    /// Returns the schedules in `store`, whose jobs go to its queue.
    pub fn new(store: &Store, limits: QueueLimits) -> Self {
        Self {
            store: store.clone(),
            limits,
        }
    }

    /// Makes a schedule that is first due at `first_due`. One that was planned before with the same `definition` keeps
    /// its state, so that a restart neither fires twice nor misses; another definition starts anew.
    pub async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (name, definition) = (name.to_owned(), definition.to_owned());
        self.store
            .call(|inner| async move { inner.store.plan(&name, &definition, first_due).await })
            .await
    }

    /// Removes a schedule; whether there was one.
    pub async fn unplan(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.store
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
    ) -> Result<Fired, StoreError> {
        let (name, limits) = (name.to_owned(), self.limits);
        let job = job.of_schedule(&name, due);
        self.store
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
    ) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.store
            .call(|inner| async move { inner.store.pass(&name, due, next).await })
            .await
    }

    /// All schedules by name, and the store's time.
    pub async fn board(&self) -> Result<ScheduleStates, StoreError> {
        self.store
            .call_of(
                "schedules",
                |inner| async move { inner.store.schedules().await },
            )
            .await
    }
}
