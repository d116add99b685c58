//! The instances that use one store.

use std::time::Duration;

use async_trait::async_trait;

use super::error::StoreError;
use super::handle::Store;

/// Time for which an instance counts as running after it was last heard of.
const LASTS: Duration = Duration::from_secs(30);

/// An instance of Weir, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The identity of its data folder.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Number of scrapers that it runs.
    pub scrapers: u64,
}

/// Presence of instances, by the store's clock.
#[async_trait]
pub(crate) trait InstanceStore: Send + Sync + 'static {
    /// Takes note that `instance` is running, and returns the others that were heard of in the last `lasts`.
    async fn announce(
        &self,
        instance: &Instance,
        lasts: Duration,
    ) -> Result<Vec<Instance>, StoreError>;

    /// Forgets an instance.
    async fn leave(&self, id: &str) -> Result<(), StoreError>;
}

impl Store {
    /// Interval at which an instance is to announce itself.
    pub const ANNOUNCED_EVERY: Duration = Duration::from_secs(10);

    /// Takes note that `instance` is running, and returns the others that run.
    pub async fn announce(&self, instance: &Instance) -> Result<Vec<Instance>, StoreError> {
        let instance = instance.clone();
        self.call(|inner| async move { inner.store.announce(&instance, LASTS).await })
            .await
    }

    /// Forgets an instance that stops.
    pub async fn leave(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.call(|inner| async move { inner.store.leave(&id).await })
            .await
    }
}
