//! The store in Redis. A value of ours is a hash that says when it was written, a shared one a plain string.

mod advice;
mod announcements;
mod due_check;
mod instances;
mod jobs;
mod request;
mod schedules;
mod scripts;

use std::path::Path;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{
    Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, SetExpiry, SetOptions,
};
use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use self::announcements::Announcements;
use self::due_check::DueCheck;
use self::request::Request;
use self::scripts::Scripts;
use super::clock::StoreClock;
use super::error::ResultsError;
use super::keys::Key;
use super::millis::ttl_ms;
use super::store::{Change, KeyValue};
use super::stored::Stored;
use crate::settings::{ConnectionUrl, ResultsSettings};

const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(700);

/// A Redis server, reached over one multiplexed connection for commands and one for announcements.
pub(super) struct RedisStore {
    connection: ConnectionManager,
    announcements: Announcements,
    scripts: Scripts,
    prefix: String,
    clock: StoreClock,
    due_check: DueCheck,
    /// Stops with the store.
    background: JoinSet<()>,
}

impl RedisStore {
    /// The server at `url`; says once when it is set up to lose what it is given.
    pub(super) fn external(
        url: &ConnectionUrl,
        settings: &ResultsSettings,
    ) -> Result<Self, ResultsError> {
        let mut store = Self::new(client(url.expose())?, settings)?;
        store
            .background
            .spawn(advice::give(store.connection.clone()));
        Ok(store)
    }

    /// The managed server, which listens on `socket`.
    pub(super) fn managed(socket: &Path, settings: &ResultsSettings) -> Result<Self, ResultsError> {
        let url = format!("unix://{}", socket.display());
        Self::new(client(&url)?, settings)
    }

    fn new(client: Client, settings: &ResultsSettings) -> Result<Self, ResultsError> {
        // Few retries and short delays: whoever waits would rather know, and tries again.
        let timeouts = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(20));
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client.clone(), timeouts)?,
            announcements: Announcements::follow(client, &settings.prefix),
            scripts: Scripts::new(),
            prefix: settings.prefix.clone(),
            clock: StoreClock::default(),
            due_check: DueCheck::default(),
            background: JoinSet::new(),
        })
    }

    async fn run<T: FromRedisValue + Send>(&self, request: &impl Request) -> RedisResult<T> {
        request::run(&self.connection, request).await
    }
}

#[async_trait]
impl KeyValue for RedisStore {
    async fn put(&self, key: &Key, value: &[u8], ttl: Duration) -> Result<(), ResultsError> {
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

    async fn get(&self, key: &Key) -> Result<Option<Stored>, ResultsError> {
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

    async fn delete(&self, key: &Key) -> Result<bool, ResultsError> {
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
    ) -> Result<Vec<usize>, ResultsError> {
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
}

/// The error does not repeat the URL, which may hold a password.
fn client(url: &str) -> Result<Client, ResultsError> {
    Client::open(url).map_err(|_| ResultsError::Setting {
        key: "results.redis_url",
        why: "not a Redis URL (redis://, rediss:// or unix://)",
    })
}

fn announcement(key: &Key) -> String {
    format!("key {}", key.name())
}

fn transaction() -> Pipeline {
    let mut commands = ::redis::pipe();
    commands.atomic();
    commands
}

fn not_a_value(key: &Key, error: RedisError) -> ResultsError {
    if error.code() == Some("WRONGTYPE") {
        return ResultsError::NotAValue {
            key: key.name().to_owned(),
        };
    }
    error.into()
}
