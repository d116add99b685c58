//! The handle that the rest of Weir holds on its results store.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, watch};

use super::choice::StoreLocation;
use super::embedded::EmbeddedStore;
use super::error::ResultsError;
use super::jobs::{Jobs, Limits};
use super::keys::{Key, KeySpace};
use super::outage::Outage;
use super::redis::RedisStore;
use super::schedules::Schedules;
use super::store::{Change, Store};
use super::stored::Stored;
use crate::settings::ResultsSettings;

/// No call on a server takes longer; past it the store counts as unavailable.
const SERVER_TIME_LIMIT: Duration = Duration::from_millis(900);
/// A file is never away: a disk that stalls, as all do under load, is waited for.
const FILE_TIME_LIMIT: Duration = Duration::from_secs(10);

/// A handle on the results store; clones share one store and its connections.
///
/// On a server every call ends within a second, with [`ResultsError::Unavailable`] while the store is away, and works again within
/// about a second of its return. Calls run on the runtime the handle was made on, so that no connection is tied to the
/// thread of an actor, and a call that its caller has given up is still carried out.
#[derive(Clone)]
pub struct Results {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) store: Box<dyn Store>,
    keys: KeySpace,
    outage: Outage,
    max_value_bytes: usize,
    time_limit: Duration,
    pub(super) home: Handle,
}

impl Results {
    /// A handle on the store at `location`. Connects with the first call, so it neither waits nor fails for a store
    /// that is away; errors are those of the configuration.
    ///
    /// # Panics
    /// Outside a tokio runtime: the calling one is that on which connections will live.
    pub fn open(
        settings: &ResultsSettings,
        location: &StoreLocation,
    ) -> Result<Self, ResultsError> {
        let keys = KeySpace::new(settings)?;
        let store: Box<dyn Store> = match location {
            StoreLocation::ExternalRedis { url } => Box::new(RedisStore::external(url, settings)?),
            StoreLocation::ManagedRedis { socket, .. } => {
                Box::new(RedisStore::managed(socket, settings)?)
            }
            StoreLocation::Sqlite { file } => Box::new(EmbeddedStore::sqlite(file, settings)),
            StoreLocation::Postgres { database } => {
                Box::new(EmbeddedStore::postgres(database, settings)?)
            }
        };
        let time_limit = match location {
            StoreLocation::Sqlite { .. } => FILE_TIME_LIMIT,
            _ => SERVER_TIME_LIMIT,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                keys,
                outage: Outage::new(),
                max_value_bytes: settings.max_value_bytes,
                time_limit,
                home: Handle::current(),
            }),
        })
    }

    /// Stores a JSON value under `key` for `ttl`; watchers of the key see it at once.
    pub async fn put(&self, key: &str, value: &Value, ttl: Duration) -> Result<(), ResultsError> {
        self.put_bytes(key, value.to_string().into_bytes(), ttl)
            .await
    }

    /// Stores bytes under `key` for `ttl` (at least a millisecond, by the store's clock).
    pub async fn put_bytes(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<(), ResultsError> {
        let (key, value) = self.entry(key, value)?;
        self.call(|inner| async move { inner.store.put(&key, &value, ttl).await })
            .await
    }

    /// The key in the store, and the value if it is not too large.
    pub(super) fn entry(&self, key: &str, value: Vec<u8>) -> Result<(Key, Vec<u8>), ResultsError> {
        let limit = self.inner.max_value_bytes;
        if value.len() > limit {
            return Err(ResultsError::TooLarge {
                key: key.to_owned(),
                bytes: value.len(),
                limit,
            });
        }
        Ok((self.inner.keys.key(key)?, value))
    }

    /// The value under `key`, if there is one that has not expired.
    pub async fn get(&self, key: &str) -> Result<Option<Stored>, ResultsError> {
        let key = self.inner.keys.key(key)?;
        self.call(|inner| async move { inner.store.get(&key).await })
            .await
    }

    /// Removes the value under `key`; whether there was one.
    pub async fn delete(&self, key: &str) -> Result<bool, ResultsError> {
        let key = self.inner.keys.key(key)?;
        self.call(|inner| async move { inner.store.delete(&key).await })
            .await
    }

    /// Follows the value under `key` for as long as the receiver lives: `None` until it is first read and while there
    /// is none. Writes by any Weir on the same Redis arrive at once (embedded: those of this process), all others within
    /// about a second. While the store is away the receiver keeps the last value.
    pub fn watch(&self, key: &str) -> Result<watch::Receiver<Option<Stored>>, ResultsError> {
        let key = self.inner.keys.key(key)?;
        Ok(
            self.follow(Change::Key(key.name().to_owned()), move |inner| {
                let key = key.clone();
                async move { inner.store.get(&key).await }
            }),
        )
    }

    /// The jobs in this store.
    pub fn jobs(&self, limits: Limits) -> Jobs {
        Jobs::new(self.clone(), limits)
    }

    /// The schedules in this store.
    pub fn schedules(&self, limits: Limits) -> Schedules {
        Schedules::new(self.clone(), limits)
    }

    /// What changes from now on, as far as the store knows at once.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.store.changes()
    }

    /// Since when the store has been away, `None` while it answers. Known from the calls made, so an idle handle does
    /// not notice an outage; a watched key is read each second.
    pub fn away_since(&self) -> watch::Receiver<Option<Instant>> {
        self.inner.outage.subscribe()
    }

    pub(super) fn claim_key(&self, name: &str) -> Result<Key, ResultsError> {
        self.inner.keys.claim(name)
    }

    /// Runs one call on the home runtime, within the limit, and takes note of an outage.
    pub(super) async fn call<T, F>(
        &self,
        operation: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T, ResultsError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ResultsError>> + Send + 'static,
    {
        let operation =
            tokio::time::timeout(self.inner.time_limit, operation(Arc::clone(&self.inner)));
        let inner = Arc::clone(&self.inner);
        let call = async move {
            let late = |_| Err(ResultsError::unavailable(&"no answer in time"));
            let outcome = operation.await.unwrap_or_else(late);
            inner.outage.observe(&outcome);
            outcome
        };
        let call = self.inner.home.spawn(call);
        call.await
            .unwrap_or_else(|stopped| Err(ResultsError::unavailable(&stopped)))
    }
}
