//! The handle that the rest of Weir holds on its results store.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::backend::{Change, StoreBackend};
use super::error::StoreError;
use super::keys::{Key, KeySpace};
use super::redis::RedisStore;
use super::selection::StoreLocation;
use super::sql::SqlStore;
use super::stored::Stored;
use crate::health::HealthIssues;
use crate::outage::{Outage, PROBE_INTERVAL};
use crate::settings::StoreConfig;
use crate::telemetry::LogLimiter;

/// No call on a server takes longer; past it the store counts as unavailable.
const SERVER_TIME_LIMIT: Duration = Duration::from_millis(900);
/// A file is never away: a disk that stalls, as all do under load, is waited for.
const FILE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// The claim that is written to find out whether the store takes writes.
const PROBE_KEY: &str = "probe";
const PROBE_TTL: Duration = Duration::from_secs(1);

/// A handle on the results store; clones share one store and its connections.
///
/// On a server every call ends within a second, with [`StoreError::Unavailable`] while the store cannot be reached or refuses for
/// the moment, and works again within about a second of its return. Calls run on the runtime the handle was made on, so that no connection is tied to the
/// thread of an actor, and a call that its caller has given up is still carried out.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Box<dyn StoreBackend>,
    keys: KeySpace,
    outage: Outage,
    faults: LogLimiter<&'static str>,
    health: HealthIssues,
    max_value_bytes: usize,
    time_limit: Duration,
    pub(crate) home: Handle,
}

impl Store {
    /// The handle of [`Store::open_with_health`] that reports to nobody.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open(settings: &StoreConfig, location: &StoreLocation) -> Result<Self, StoreError> {
        Self::open_with_health(settings, location, &HealthIssues::default())
    }

    /// A handle on the store at `location`, which reports its troubles to `health`. Connects with the first call, so it
    /// neither waits nor fails for a store that is unavailable; errors are those of the configuration.
    ///
    /// # Panics
    /// Outside a tokio runtime: the calling one is that on which connections will live.
    pub fn open_with_health(
        settings: &StoreConfig,
        location: &StoreLocation,
        health: &HealthIssues,
    ) -> Result<Self, StoreError> {
        let keys = KeySpace::new(settings)?;
        let store: Box<dyn StoreBackend> = match location {
            StoreLocation::ExternalRedis { url } => {
                Box::new(RedisStore::external(url, settings, health)?)
            }
            StoreLocation::ManagedRedis { socket, .. } => {
                Box::new(RedisStore::managed(socket, settings))
            }
            StoreLocation::Sqlite { file } => Box::new(SqlStore::sqlite(file, settings)),
            StoreLocation::Postgres { database } => {
                Box::new(SqlStore::postgres(database, settings)?)
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
                outage: Outage::new("results", health.clone()),
                faults: LogLimiter::new(),
                health: health.clone(),
                max_value_bytes: settings.max_value_bytes,
                time_limit,
                home: Handle::current(),
            }),
        })
    }

    /// Stores a JSON value under `key` for `ttl`; watchers of the key see it at once.
    pub async fn put(&self, key: &str, value: &Value, ttl: Duration) -> Result<(), StoreError> {
        self.put_bytes(key, value.to_string().into_bytes(), ttl)
            .await
    }

    /// Stores bytes under `key` for `ttl` (at least a millisecond, by the store's clock).
    pub async fn put_bytes(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let (key, value) = self.entry(key, value)?;
        self.call(|inner| async move { inner.store.put(&key, &value, ttl).await })
            .await
    }

    /// The key in the store, and the value if it is not too large.
    pub(crate) fn entry(&self, key: &str, value: Vec<u8>) -> Result<(Key, Vec<u8>), StoreError> {
        let limit = self.inner.max_value_bytes;
        if value.len() > limit {
            return Err(StoreError::TooLarge {
                key: key.to_owned(),
                bytes: value.len(),
                limit,
            });
        }
        Ok((self.inner.keys.key(key)?, value))
    }

    /// The value under `key`, if there is one that has not expired.
    pub async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let key = self.inner.keys.key(key)?;
        self.call(|inner| async move { inner.store.get(&key).await })
            .await
    }

    /// Removes the value under `key`; whether there was one.
    pub async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let key = self.inner.keys.key(key)?;
        self.call(|inner| async move { inner.store.delete(&key).await })
            .await
    }

    /// Follows the value under `key` for as long as the receiver lives: `None` until it is first read and while there
    /// is none. Writes by any Weir on the same Redis arrive at once (embedded: those of this process), all others within
    /// about a second. While the store is away the receiver keeps the last value.
    pub fn watch(&self, key: &str) -> Result<watch::Receiver<Option<Stored>>, StoreError> {
        let key = self.inner.keys.key(key)?;
        Ok(
            self.follow(Change::Key(key.name().to_owned()), move |inner| {
                let key = key.clone();
                async move { inner.store.get(&key).await }
            }),
        )
    }

    /// What changes from now on, as far as the store knows at once.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.store.changes()
    }

    /// The time since which the store has been unavailable, `None` while it is not. Known from the calls made, so an idle
    /// handle does not notice an outage; a watched key is read each second.
    pub fn away_since(&self) -> watch::Receiver<Option<Instant>> {
        self.inner.outage.subscribe()
    }

    pub(crate) fn claim_key(&self, name: &str) -> Result<Key, StoreError> {
        self.inner.keys.claim(name)
    }

    /// Runs a call that `part` of Weir cannot do without. Health names the part for as long as its calls are refused.
    pub(crate) async fn call_of<T, F>(
        &self,
        part: &str,
        operation: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let outcome = self.call(operation).await;
        match outcome.as_ref().map_err(StoreError::fault) {
            Ok(_) => {
                self.inner.health.clear(part);
            }
            Err(Some(condition)) => {
                self.inner.health.report(part, condition);
            }
            Err(None) => {}
        }
        outcome
    }

    /// Runs one call on the home runtime, within the limit, and takes note of an outage.
    pub(crate) async fn call<T, F>(
        &self,
        operation: impl FnOnce(Arc<Inner>) -> F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let operation = timeout(self.inner.time_limit, operation(Arc::clone(&self.inner)));
        let inner = Arc::clone(&self.inner);
        let call = async move {
            let late = |_| Err(StoreError::no_answer(&"the time limit of the call"));
            let outcome = operation.await.unwrap_or_else(late);
            if let Err(error) = &outcome {
                inner.note(error);
            }
            outcome
        };
        // What goes wrong is logged with the request that it belongs to.
        let call = self.inner.home.spawn(call.in_current_span());
        call.await
            .unwrap_or_else(|stopped| Err(StoreError::no_answer(&stopped)))
    }
}

impl Inner {
    /// Takes note of a call that failed. Nobody else logs it.
    fn note(self: &Arc<Self>, error: &StoreError) {
        match error {
            StoreError::Unavailable { class, why } => {
                if self.outage.failed(*class, why) {
                    self.home.spawn(probe(Arc::downgrade(self)));
                }
            }
            _ => {
                if let Some(condition) = error.fault() {
                    self.log_fault(condition, error);
                }
            }
        }
    }

    fn log_fault(&self, condition: &'static str, error: &StoreError) {
        if let Some(suppressed) = self.faults.admit(condition) {
            tracing::error!(%error, suppressed, "the results store failed a request");
        }
    }
}

/// Writes to the store now and then until the outage is over.
async fn probe(inner: Weak<Inner>) {
    loop {
        sleep(PROBE_INTERVAL).await;
        let Some(inner) = inner.upgrade() else { return };
        let probe = match inner.keys.claim(PROBE_KEY) {
            Ok(key) => timeout(inner.time_limit, async {
                inner.store.probe(&key, PROBE_TTL).await
            })
            .await
            .unwrap_or_else(|_| Err(StoreError::no_answer(&"the time limit of the call"))),
            Err(error) => Err(error),
        };
        match probe {
            Err(StoreError::Unavailable { class, why }) => {
                inner.outage.failed(class, &why);
            }
            // A refusal of another kind is an answer.
            Ok(()) | Err(_) => {
                if inner.outage.probe_succeeded() {
                    return;
                }
            }
        }
    }
}
