//! What a backend does. Both backends pass one conformance suite, `tests/stores/values.rs` and `tests/stores/jobs/`.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::error::StoreError;
use super::instances::InstanceStore;
use super::keys::Key;
use super::stored::Stored;
use crate::queue::JobId;
use crate::queue::backend::JobStore;
use crate::queue::schedules::ScheduleStore;

/// The whole of a backend.
pub(crate) trait StoreBackend: KeyValue + JobStore + ScheduleStore + InstanceStore {}

impl<S: KeyValue + JobStore + ScheduleStore + InstanceStore> StoreBackend for S {}

/// Values under keys, each with a time to live, and word of their changes.
#[async_trait]
pub(crate) trait KeyValue: Send + Sync + 'static {
    /// Stores `value` for `ttl` and announces it.
    async fn put(&self, key: &Key, value: &[u8], ttl: Duration) -> Result<(), StoreError>;

    /// The value, unless there is none or it has expired.
    async fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError>;

    /// Removes the value and announces it; whether there was one.
    async fn delete(&self, key: &Key) -> Result<bool, StoreError>;

    /// The first `most` of `keys` that nobody has taken, by their places; with a `ttl` they are taken in the same step.
    async fn first_unclaimed(
        &self,
        keys: &[Key],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError>;

    /// Writes a value of no meaning under `key`, to find out whether the store takes writes.
    async fn probe(&self, key: &Key, ttl: Duration) -> Result<(), StoreError> {
        self.put(key, b"1", ttl).await
    }

    /// What changes from now on, as far as the store knows at once: writes by Weir. Other writers announce nothing.
    fn changes(&self) -> broadcast::Receiver<Change>;
}

/// Word of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The value under this key was written or deleted.
    Key(String),
    /// This job finished, or is to be cancelled.
    Job(JobId),
    /// Jobs have become ready while none was.
    Work,
    /// Announcements may have been missed: look at everything again.
    All,
}

/// How many announcements a slow reader may lag behind before it is told to look at everything again.
pub(crate) const CHANGES_KEPT: usize = 1024;
