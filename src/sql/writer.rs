use std::path::{Path, PathBuf};
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    SqliteTransactionMode, SqlxError, Statement, TransactionOptions,
};
use tokio::runtime::Handle;

use super::pool::Pool;
use super::sqlite::{SqliteWatch, sqlite_class};
use super::transaction::{SqliteTransaction, WriteTransaction};
use crate::outage::{ErrorClass, Outage, PROBE_INTERVAL};

/// Free space below which a disk counts as full.
const ROOM_BYTES: u64 = 1024 * 1024;

/// The connections of a SQL database that write; on SQLite there is one. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct SqlWriter {
    connections: Pool,
    sqlite: Option<Sqlite>,
    reports: Option<Reports>,
}

#[derive(Clone, Debug)]
struct Sqlite {
    watch: SqliteWatch,
    /// `None` in memory.
    file: Option<PathBuf>,
}

/// Account of failures, and the runtime on which the database is probed.
#[derive(Clone, Debug)]
struct Reports {
    outage: Arc<Outage>,
    runtime: Handle,
}

impl SqlWriter {
    /// A writer on the only connection of a pool that `watch` is over, to this file if it is not in memory.
    pub(crate) fn sqlite(
        connections: DatabaseConnection,
        watch: SqliteWatch,
        file: Option<PathBuf>,
    ) -> Self {
        Self {
            connections: Pool::sqlite(connections),
            sqlite: Some(Sqlite { watch, file }),
            reports: None,
        }
    }

    /// A writer on a pool of Postgres.
    pub(crate) fn postgres(connections: Pool) -> Self {
        Self {
            connections,
            sqlite: None,
            reports: None,
        }
    }

    /// Reports failures of SQLite's storage as `outage` and probes the file until it can be written again.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn reporting_to(self, outage: Arc<Outage>) -> Self {
        let runtime = Handle::current();
        Self {
            reports: Some(Reports { outage, runtime }),
            ..self
        }
    }

    /// The pool itself, for what does not write.
    pub(crate) fn connections(&self) -> &Pool {
        &self.connections
    }

    /// Begins a transaction that may write. On SQLite it holds the one write lock from the start, because a deferred
    /// transaction that reads first fails at once when another one writes.
    pub(crate) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: self
                .sqlite
                .as_ref()
                .map(|_| SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.note(self.connections.begin(options).await)?;
        let watched = self.sqlite.as_ref().map(|sqlite| sqlite.watch.begun());
        Ok(WriteTransaction::new(begun, watched, self.clone()))
    }

    /// The same as a transaction of sqlx; `None` on Postgres.
    pub(crate) async fn begin_sqlite(&self) -> Result<Option<SqliteTransaction>, DbErr> {
        let Some(sqlite) = &self.sqlite else {
            return Ok(None);
        };
        let pool = self.connections.inner().get_sqlite_connection_pool();
        let begun = pool.begin_with("BEGIN IMMEDIATE").await;
        let begun = begun.map_err(query_error)?;
        let watched = sqlite.watch.begun();
        Ok(Some(SqliteTransaction::writing(begun, watched)))
    }

    /// Reports a failure of SQLite's storage, and drops connections to Postgres that are of no use.
    pub(super) fn note<T>(&self, outcome: Result<T, DbErr>) -> Result<T, DbErr> {
        let outcome = self.connections.note(outcome);
        if let (Some(reports), Err(error)) = (&self.reports, &outcome)
            && let Some(class) = sqlite_class_of(error)
            && reports.outage.failed(class, &error.to_string())
        {
            reports.runtime.spawn(self.clone().probe());
        }
        outcome
    }

    /// Writes now and then until that succeeds and nothing else fails.
    async fn probe(self) {
        let Some(Reports { outage, .. }) = &self.reports else {
            return;
        };
        loop {
            tokio::time::sleep(PROBE_INTERVAL).await;
            if self.has_room() && self.write_nothing().await.is_ok() && outage.probe_succeeded() {
                return;
            }
        }
    }

    /// Returns whether the disk has room for more than the few pages of a probe.
    pub(crate) fn has_room(&self) -> bool {
        let file = self.sqlite.as_ref().and_then(|sqlite| sqlite.file.as_ref());
        let folder = file.map(|file| match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        });
        // A folder that cannot be looked at is for the write to fail on.
        let room = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
        room.is_none_or(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM_BYTES)
    }

    /// Commits a page that stays as it is.
    async fn write_nothing(&self) -> Result<(), DbErr> {
        let transaction = self.begin().await?;
        let read = Statement::from_string(DbBackend::Sqlite, "PRAGMA user_version");
        let row = transaction.query_one_raw(read).await?;
        let version: i32 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        let write = format!("PRAGMA user_version = {version}");
        transaction.execute_unprepared(&write).await?;
        transaction.commit().await
    }
}

/// Statements that are transactions by themselves. Each is run to its end, since SQLite commits only there: the first row
/// that a statement returns says nothing of that.
#[async_trait::async_trait]
impl ConnectionTrait for SqlWriter {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.note(self.connections.execute_raw(statement).await)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.note(self.connections.execute_unprepared(sql).await)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.note(self.connections.query_all_raw(statement).await)
    }
}

pub(super) fn query_error(error: SqlxError) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// Class of an error that SQLite answered.
fn sqlite_class_of(error: &DbErr) -> Option<ErrorClass> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let error = error.as_database_error()?;
    error.try_downcast_ref::<sea_orm::sqlx::sqlite::SqliteError>()?;
    sqlite_class(error.code()?.parse().ok()?)
}
