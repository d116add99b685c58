//! What a backend does for schedules.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Fired, ScheduleStates};
use crate::queue::{NewJob, QueueLimits};
use crate::store::error::StoreError;

/// Due times that each fire once, whoever asks and however often.
#[async_trait]
pub(crate) trait ScheduleStore: Send + Sync + 'static {
    /// Makes a schedule that is first due at `first_due`, or changes one that was planned with another definition. One
    /// with the same definition keeps its state.
    async fn plan(
        &self,
        name: &str,
        definition: &str,
        first_due: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Removes a schedule; whether there was one. Its jobs stay.
    async fn unplan(&self, name: &str) -> Result<bool, StoreError>;

    /// In one step: if the schedule is due at `due` and the time has come, enqueues `job` and advances the
    /// schedule to `next`.
    async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
        job: &NewJob,
        limits: &QueueLimits,
    ) -> Result<Fired, StoreError>;

    /// Advances the schedule to `next` without a run, if it is due at `due`; whether it was.
    async fn pass(
        &self,
        name: &str,
        due: DateTime<Utc>,
        next: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// All schedules by name, and the time.
    async fn schedules(&self) -> Result<ScheduleStates, StoreError>;
}
