//! The handle that the rest of the instance holds on its store.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::{broadcast, watch};

use super::backend::{Backend, Change, Stored, on_backend};
use super::error::StoreError;
use super::keys::{Key, KeySpace};
use super::redis::RedisStore;
use super::selection::StoreLocation;
use super::sql::SqlStore;
use super::watch::follow;
use crate::health::HealthIssues;
use crate::outage::Outage;
use crate::settings::StoreConfig;
use crate::telemetry::LogLimiter;

/// Time limit of a call on a server; past it the store counts as unavailable.
const SERVER_TIME_LIMIT: Duration = Duration::from_millis(900);
/// The same for a file, which is never unavailable: a disk that stalls, as all do under load, is waited for.
const FILE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// The claim that is written to find out whether the store takes writes.
const PROBE_KEY: &str = "probe";
/// Time for which an instance counts as running after its last announcement.
const INSTANCE_TTL: Duration = Duration::from_secs(30);

/// A handle on the store; clones share one backend and its connections.
///
/// On a server every call ends within a second, with [`StoreError::Unavailable`] while the store cannot be reached or refuses
/// for the moment, and works again within about a second of its return. Calls run on the runtime that the handle was made
/// on, so that no connection is tied to the thread of an actor, and a call that its caller has given up is still carried out.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) backend: Backend<RedisStore, SqlStore>,
    pub(super) probe_key: Key,
    keys: KeySpace,
    pub(super) outage: Outage,
    pub(super) faults: LogLimiter<&'static str>,
    pub(super) health: HealthIssues,
    max_value_bytes: usize,
    pub(super) time_limit: Duration,
    pub(super) home: Handle,
}

/// An instance of Weir, as others on the same store see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The identity of its data folder.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Number of scrapers that it runs.
    pub scrapers: u64,
    /// Names of the jobs that it can run.
    pub jobs: BTreeSet<String>,
}

impl Instance {
    /// Returns the names of the jobs as they are stored.
    pub(super) fn jobs_as_json(&self) -> String {
        json!(self.jobs).to_string()
    }

    /// Reads the names of the jobs. An instance of an earlier version stores none.
    pub(super) fn jobs_from_json(text: Option<String>) -> BTreeSet<String> {
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }
}

impl Store {
    /// Interval at which an instance is to announce itself.
    pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(10);

    /// Opens a store as [`Store::open_with_health`] does, without reports.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn open(settings: &StoreConfig, location: &StoreLocation) -> Result<Self, StoreError> {
        Self::open_with_health(settings, location, &HealthIssues::default())
    }

    /// Opens the store at `location`, which reports its troubles to `health`. Connects with the first call, so it neither
    /// waits nor fails for a store that is unavailable; errors are those of the configuration.
    ///
    /// # Panics
    /// Outside a tokio runtime: the calling one is that on which connections will live.
    pub fn open_with_health(
        settings: &StoreConfig,
        location: &StoreLocation,
        health: &HealthIssues,
    ) -> Result<Self, StoreError> {
        let keys = KeySpace::new(settings)?;
        let backend = match location {
            StoreLocation::ExternalRedis { url } => {
                Backend::Redis(Arc::new(RedisStore::external(url, settings, health)?))
            }
            StoreLocation::ManagedRedis { socket, .. } => {
                Backend::Redis(Arc::new(RedisStore::managed(socket, settings)))
            }
            StoreLocation::Sqlite { file } => {
                Backend::Sql(Arc::new(SqlStore::sqlite(file, settings)))
            }
            StoreLocation::Postgres { database } => {
                Backend::Sql(Arc::new(SqlStore::postgres(database, settings)?))
            }
        };
        let time_limit = match location {
            StoreLocation::Sqlite { .. } => FILE_TIME_LIMIT,
            _ => SERVER_TIME_LIMIT,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                probe_key: keys.claim(PROBE_KEY)?,
                keys,
                outage: Outage::new("store", health.clone()),
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
        self.call(on_backend!(self.inner.backend, put(&key, &value, ttl)))
            .await
    }

    /// Returns the value under `key`, if there is one that has not expired.
    pub async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let key = self.inner.keys.key(key)?;
        self.call(on_backend!(self.inner.backend, get(&key))).await
    }

    /// Removes the value under `key`. Returns whether there was one.
    pub async fn delete(&self, key: &str) -> Result<bool, StoreError> {
        let key = self.inner.keys.key(key)?;
        self.call(on_backend!(self.inner.backend, delete(&key)))
            .await
    }

    /// Follows the value under `key` for as long as the receiver lives: `None` until it is first read and while there
    /// is none. Writes by any instance on the same Redis arrive at once (SQL: those of this process), all others within
    /// about a second. While the store is unavailable the receiver keeps the last value.
    pub fn watch(&self, key: &str) -> Result<watch::Receiver<Option<Stored>>, StoreError> {
        let change = Change::Key(self.inner.keys.key(key)?.name().to_owned());
        let (store, key) = (self.clone(), key.to_owned());
        Ok(follow(self, change, move || {
            let (store, key) = (store.clone(), key.clone());
            async move { store.get(&key).await }
        }))
    }

    /// Takes the first `most` of `names` that nobody has, each for `ttl`, in one step: no two callers get the same. Returns
    /// their indices in `names`. May take a claim although its answer is lost on the way.
    pub async fn claim(
        &self,
        names: &[String],
        most: usize,
        ttl: Duration,
    ) -> Result<Vec<usize>, StoreError> {
        self.first_unclaimed(names, most, Some(ttl)).await
    }

    /// Returns what [`claim`](Self::claim) would take, without taking it.
    pub async fn unclaimed(&self, names: &[String], most: usize) -> Result<Vec<usize>, StoreError> {
        self.first_unclaimed(names, most, None).await
    }

    async fn first_unclaimed(
        &self,
        names: &[String],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError> {
        if names.is_empty() || most == 0 {
            return Ok(Vec::new());
        }
        let keys = names.iter().map(|name| self.inner.keys.claim(name));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        self.call(on_backend!(
            self.inner.backend,
            first_unclaimed(&keys, most, ttl)
        ))
        .await
    }

    /// Takes note that `instance` is running, and returns the others that run.
    pub async fn announce(&self, instance: &Instance) -> Result<Vec<Instance>, StoreError> {
        let instance = instance.clone();
        self.call(on_backend!(
            self.inner.backend,
            announce(&instance, INSTANCE_TTL)
        ))
        .await
    }

    /// Removes an instance that stops.
    pub async fn withdraw(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.call(on_backend!(self.inner.backend, withdraw(&id)))
            .await
    }

    /// Subscribes to changes from now on, as far as the store knows of them at once.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        match &self.inner.backend {
            Backend::Redis(backend) => backend.changes(),
            Backend::Sql(backend) => backend.changes(),
        }
    }

    /// Follows the time since which the store has been unavailable, `None` while it is not. Known from the calls made, so an
    /// idle handle does not notice an outage; a watched key is read each second.
    pub fn unavailable_since(&self) -> watch::Receiver<Option<Instant>> {
        self.inner.outage.subscribe()
    }

    /// Returns the key in the store, and the value unless it is too large.
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

    /// The backend, for what stands on the same connections.
    pub(crate) fn backend(&self) -> &Backend<RedisStore, SqlStore> {
        &self.inner.backend
    }
}
