//! The store in Redis. A value of ours is a hash that says when it was written, a shared one a plain string.

pub(crate) mod connection;
mod instances;
pub(crate) mod scripts;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, SetExpiry, SetOptions};
use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use self::connection::address::Address;
use self::connection::announcements::Announcements;
use self::connection::connections::Connections;
use self::connection::request::Request;
use self::connection::rights::{self, Needs, Rights};
use self::connection::{advice, error};
use self::scripts::Scripts;
use super::backend::{Change, KeyValue};
use super::clock::StoreClock;
use super::error::StoreError;
use super::keys::Key;
use super::millis::ttl_ms;
use super::stored::Stored;
use crate::health::HealthIssues;
use crate::queue::redis::due_check::DueCheck;
use crate::settings::{ConnectionUrl, StoreConfig};

/// A Redis server, reached over one multiplexed connection for commands and one for announcements.
pub(crate) struct RedisStore {
    pub(crate) connections: Arc<Connections>,
    pub(crate) announcements: Announcements,
    pub(crate) scripts: Scripts,
    pub(crate) prefix: String,
    pub(crate) clock: StoreClock,
    pub(crate) due_check: DueCheck,
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
            scripts: Scripts::new(),
            prefix: settings.prefix.clone(),
            clock: StoreClock::default(),
            due_check: DueCheck::default(),
            rights: Arc::new(Rights::new()),
            background: JoinSet::new(),
        }
    }

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
}

#[async_trait]
impl KeyValue for RedisStore {
    async fn put(&self, key: &Key, value: &[u8], ttl: Duration) -> Result<(), StoreError> {
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
            let mut write = self.scripts.put.key(key.name());
            write.arg(value).arg(ttl_ms).arg(channel);
            self.run::<()>(&write).await?;
        }
        Ok(())
    }

    async fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
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

    async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let mut delete = transaction();
        delete.del(key.name());
        delete
            .publish(self.announcements.channel(), announcement(key))
            .ignore();
        let (deleted,): (u64,) = self.run(&delete).await?;
        Ok(deleted > 0)
    }

    async fn first_unclaimed(
        &self,
        keys: &[Key],
        most: usize,
        ttl: Option<Duration>,
    ) -> Result<Vec<usize>, StoreError> {
        let mut claim = self.scripts.claim_first.prepare_invoke();
        for key in keys {
            claim.key(key.name());
        }
        claim.arg(most).arg(ttl.map_or(0, ttl_ms));
        Ok(self.run(&claim).await?)
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.announcements.subscribe()
    }

    /// A plain SET, since a script that has deleted something may write although memory is short.
    async fn probe(&self, key: &Key, ttl: Duration) -> Result<(), StoreError> {
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
