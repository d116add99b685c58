//! The store in Redis. A value of ours is a hash that says when it was written, a shared one a plain string.

pub(crate) mod connection;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{
    Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, Script, SetExpiry, SetOptions,
};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use self::connection::address::Address;
use self::connection::announcements::Announcements;
use self::connection::rights::{self, Needs, Rights};
use self::connection::{Connections, Request, advice, error};
use super::backend::{Change, Stored};
use super::clock::ttl_ms;
use super::error::StoreError;
use super::handle::Instance;
use super::keys::Key;
use crate::health::HealthIssues;
use crate::settings::{ConnectionUrl, StoreConfig};

/// A Redis server, reached over one multiplexed connection for commands and one for announcements.
pub(crate) struct RedisStore {
    connections: Arc<Connections>,
    announcements: Announcements,
    prefix: String,
    put: Script,
    claim: Script,
    announce: Script,
    rights: Arc<Rights>,
    /// Stops with the store.
    background: JoinSet<()>,
}

impl RedisStore {
    /// The server at `url`. Says when it is set up to lose what it is given, and reports the rights that its user lacks.
    pub(crate) fn external(
        url: &ConnectionUrl,
        settings: &StoreConfig,
        health: &HealthIssues,
    ) -> Result<Self, StoreError> {
        let mut store = Self::new(Address::parse(url.expose(), settings)?, settings);
        store
            .background
            .spawn(advice::give(Arc::clone(&store.connections)));
        store.background.spawn(rights::watch(
            Arc::clone(&store.connections),
            Needs::new(settings),
            Arc::clone(&store.rights),
            health.clone(),
        ));
        Ok(store)
    }

    /// The managed server, which listens on `socket`.
    pub(crate) fn managed(socket: &Path, settings: &StoreConfig) -> Self {
        Self::new(Address::socket(socket.to_path_buf()), settings)
    }

    fn new(address: Address, settings: &StoreConfig) -> Self {
        let connections = Arc::new(Connections::new(address));
        Self {
            announcements: Announcements::follow(Arc::clone(&connections), &settings.prefix),
            connections,
            prefix: settings.prefix.clone(),
            put: Script::new(include_str!("lua/put.lua")),
            claim: Script::new(include_str!("lua/claim.lua")),
            announce: Script::new(include_str!("lua/announce.lua")),
            rights: Arc::new(Rights::new()),
            background: JoinSet::new(),
        }
    }

    /// The prefix of all keys but the shared ones.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sends a request that does no harm when it is carried out twice.
    pub(crate) async fn run<T: FromRedisValue + Send>(
        &self,
        request: &impl Request,
    ) -> RedisResult<T> {
        let outcome = self.connections.run(request).await;
        if outcome.as_ref().is_err_and(error::is_denied) {
            self.rights.recheck();
        }
        outcome
    }

    /// Sends a request once.
    pub(crate) async fn run_once<T: FromRedisValue + Send>(
        &self,
        request: &impl Request,
    ) -> RedisResult<T> {
        let outcome = self.connections.run_once(request).await;
        if outcome.as_ref().is_err_and(error::is_denied) {
            self.rights.recheck();
        }
        outcome
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<Change> {
        self.announcements.subscribe()
    }
}

impl RedisStore {
    pub(super) async fn put(
        &self,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let ttl_ms = ttl_ms(ttl);
        let channel = self.announcements.channel();
        if key.is_shared() {
            let expiry =
                SetOptions::default().with_expiration(SetExpiry::PX(ttl_ms.unsigned_abs()));
            let mut write = transaction();
            write.set_options(key.name(), value, expiry).ignore();
            write.publish(channel, announcement(key)).ignore();
            self.run::<()>(&write).await?;
        } else {
            let mut write = self.put.key(key.name());
            write.arg(value).arg(ttl_ms).arg(channel);
            self.run::<()>(&write).await?;
        }
        Ok(())
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        if key.is_shared() {
            let value: Option<Vec<u8>> = self
                .run(&Cmd::get(key.name()))
                .await
                .map_err(|error| not_a_value(key, error))?;
            Ok(value.map(|value| Stored::new(value, None)))
        } else {
            let (value, written_at_ms): (Option<Vec<u8>>, Option<i64>) = self
                .run(&Cmd::hmget(key.name(), &["value", "written_at"]))
                .await?;
            Ok(value.map(|value| Stored::new(value, written_at_ms)))
        }
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let mut delete = transaction();
        delete.del(key.name());
        delete
            .publish(self.announcements.channel(), announcement(key))
            .ignore();
        let (deleted,): (u64,) = self.run(&delete).await?;
        Ok(deleted > 0)
    }

    pub(super) async fn first_unclaimed(
        &self,
        keys: &[Key],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError> {
        let mut claim = self.claim.prepare_invoke();
        for key in keys {
            claim.key(key.name());
        }
        claim.arg(most).arg(ttl.map_or(0, ttl_ms));
        Ok(self.run(&claim).await?)
    }

    /// A plain SET, since a script that has deleted something may write although memory is short.
    pub(super) async fn probe(&self, key: &Key, ttl: Duration) -> Result<(), StoreError> {
        let expiry = SetExpiry::PX(ttl_ms(ttl).unsigned_abs());
        let mut write = ::redis::pipe();
        write
            .set_options(
                key.name(),
                "1",
                SetOptions::default().with_expiration(expiry),
            )
            .ignore();
        self.run::<()>(&write).await?;
        if self.rights.are_complete() {
            return Ok(());
        }
        Err(StoreError::Unavailable {
            class: error::denied(),
            why: "rights are missing".to_owned(),
        })
    }

    /// Presence is a hash of ids, which expires with the last of them; the names of their jobs are in a hash of their own, which
    /// the version before does not know.
    pub(super) async fn announce(
        &self,
        instance: &Instance,
        ttl: Duration,
    ) -> Result<Vec<Instance>, StoreError> {
        let mut announce = self.announce.key(self.instances_key());
        announce
            .key(self.instance_jobs_key())
            .arg(&instance.id)
            .arg(&instance.name)
            .arg(instance.scrapers)
            .arg(ttl_ms(ttl))
            .arg(instance.jobs_as_json());
        let others: Vec<(String, String, u64, Option<String>)> = self.run(&announce).await?;
        let others = others
            .into_iter()
            .map(|(id, name, scrapers, jobs)| Instance {
                id,
                name,
                scrapers,
                jobs: Instance::jobs_from_json(jobs),
            });
        Ok(others.collect())
    }

    pub(super) async fn withdraw(&self, id: &str) -> Result<(), StoreError> {
        let mut withdraw = transaction();
        withdraw.hdel(self.instances_key(), id).ignore();
        withdraw.hdel(self.instance_jobs_key(), id).ignore();
        Ok(self.run(&withdraw).await?)
    }

    fn instances_key(&self) -> String {
        format!("{}instances", self.prefix)
    }

    fn instance_jobs_key(&self) -> String {
        format!("{}instances:jobs", self.prefix)
    }
}

fn announcement(key: &Key) -> String {
    format!("key {}", key.name())
}

pub(crate) fn transaction() -> Pipeline {
    let mut commands = ::redis::pipe();
    commands.atomic();
    commands
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        let (class, why) = (error::class(&error), error::text(&error));
        if class.is_retryable() {
            return Self::Unavailable { class, why };
        }
        Self::Refused {
            condition: class.condition,
            why,
        }
    }
}

fn not_a_value(key: &Key, error: RedisError) -> StoreError {
    if error.code() == Some("WRONGTYPE") {
        return StoreError::NotAValue {
            key: key.name().to_owned(),
        };
    }
    error.into()
}
