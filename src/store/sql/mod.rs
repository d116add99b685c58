//! The store in SQL: a `SQLite` file of its own, or tables in the Postgres database of the posts.

mod claims;
mod connect;
mod instances;
mod schema;

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use tokio::sync::{OnceCell, broadcast};

use self::connect::{Connections, Target};
use self::schema::Sql;
use super::backend::{CHANGES_KEPT, Change, Stored};
use super::clock::ttl_ms;
use super::error::StoreError;
use super::keys::Key;
use crate::settings::{DatabaseSettings, StoreConfig};
use crate::sql::{DISK_FULL, WriteTransaction};

/// A SQL database. Times in it are milliseconds since the epoch, by its own clock.
pub(crate) struct SqlStore {
    target: Target,
    sql: Sql,
    connections: OnceCell<Connections>,
    changes: broadcast::Sender<Change>,
}

impl SqlStore {
    /// The `SQLite` file, made with the first call.
    pub(crate) fn sqlite(file: &Path, settings: &StoreConfig) -> Self {
        Self::new(
            Target::sqlite(file, settings.durability),
            Sql::sqlite(&settings.prefix),
        )
    }

    /// Tables in the Postgres database of the posts, made with the first call. Errors are those of the configuration.
    pub(crate) fn postgres(
        database: &DatabaseSettings,
        settings: &StoreConfig,
    ) -> Result<Self, StoreError> {
        let target = Target::postgres(database)?;
        Ok(Self::new(target, Sql::postgres(&settings.prefix)))
    }

    fn new(target: Target, sql: Sql) -> Self {
        Self {
            target,
            sql,
            connections: OnceCell::new(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
        }
    }

    pub(crate) async fn connections(&self) -> Result<&Connections, DbErr> {
        let connections = self
            .connections
            .get_or_try_init(|| self.target.connect(&self.sql))
            .await?;
        connections.prepare().await;
        Ok(connections)
    }

    pub(crate) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        self.connections().await?.begin().await
    }

    /// `template` as a statement of this database, with `$1`, `$2` and so on bound to `values`.
    pub(crate) fn statement(
        &self,
        template: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        self.sql.statement(template, values)
    }

    pub(crate) async fn write(
        &self,
        transaction: &WriteTransaction,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<(), DbErr> {
        let sweep = self.statement(FORGET_EXPIRED, []);
        transaction.execute_raw(sweep).await?;
        let values = [key.name().into(), value.to_vec().into(), ttl_ms(ttl).into()];
        transaction.execute_raw(self.statement(PUT, values)).await?;
        Ok(())
    }

    pub(crate) fn announce_change(&self, change: Change) {
        // An error means that nobody listens.
        let _ = self.changes.send(change);
    }

    pub(crate) fn announce_all(&self, changes: impl IntoIterator<Item = Change>) {
        changes
            .into_iter()
            .for_each(|change| self.announce_change(change));
    }
}

impl SqlStore {
    pub(super) async fn put(
        &self,
        key: &Key,
        value: &[u8],
        ttl: Duration,
    ) -> Result<(), StoreError> {
        let transaction = self.begin().await?;
        self.write(&transaction, key, value, ttl).await?;
        transaction.commit().await?;
        self.announce_change(Change::Key(key.name().to_owned()));
        Ok(())
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        let get = self.statement(GET, [key.name().into()]);
        let row = self
            .connections()
            .await?
            .reader()
            .query_one_raw(get)
            .await?;
        let stored = row.map(|row| {
            let value = row.try_get_by("value")?;
            Ok::<_, DbErr>(Stored::new(value, Some(row.try_get_by("written_at")?)))
        });
        Ok(stored.transpose()?)
    }

    pub(super) async fn delete(&self, key: &Key) -> Result<bool, StoreError> {
        let delete = self.statement(DELETE, [key.name().into()]);
        let row = self
            .connections()
            .await?
            .writer()
            .query_one_raw(delete)
            .await?;
        let live: Option<i32> = row.map(|row| row.try_get_by("live")).transpose()?;
        self.announce_change(Change::Key(key.name().to_owned()));
        Ok(live == Some(1))
    }

    /// A small value would find room on a disk that has none for others.
    pub(super) async fn probe(&self, key: &Key, ttl: Duration) -> Result<(), StoreError> {
        if !self.connections().await?.writer().has_room() {
            return Err(StoreError::Unavailable {
                class: DISK_FULL,
                why: "less than a megabyte is free".to_owned(),
            });
        }
        self.put(key, b"1", ttl).await
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

const PUT: &str =
    "INSERT INTO {results} (key, value, written_at, expires_at) VALUES ($1, $2, {now}, {now} + $3)
    ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, written_at = excluded.written_at, expires_at = excluded.expires_at";

const GET: &str = "SELECT value, written_at FROM {results} WHERE key = $1 AND expires_at > {now}";

const DELETE: &str = "DELETE FROM {results} WHERE key = $1 RETURNING CASE WHEN expires_at > {now} THEN 1 ELSE 0 END AS live";

/// Values that are kept for too long because they were written in what is the future now.
pub(crate) const BOUND_EXPIRY: &str =
    "UPDATE {results} SET expires_at = {now} + (expires_at - written_at), written_at = {now}
    WHERE written_at > {now} + $1";

pub(crate) const EXPIRES_TOO_LATE: &str =
    "SELECT 1 AS one FROM {results} WHERE written_at > {now} + $1 LIMIT 1";

/// Whoever writes sweeps a little, so that what has expired never piles up.
const FORGET_EXPIRED: &str = "DELETE FROM {results} WHERE key IN
    (SELECT key FROM {results} WHERE expires_at <= {now} ORDER BY expires_at LIMIT 100)";
