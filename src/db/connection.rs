use std::{sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use tracing::{info, warn};

use super::{DbError, NewFile, migrations, postgres, sqlite};
use crate::health::HealthIssues;
use crate::outage::Outage;
use crate::settings::DatabaseSettings;
use crate::sql::{SqlWriter, WriteTransaction};

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// The posts database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    reader: DatabaseConnection,
    writer: SqlWriter,
    settings: DatabaseSettings,
}

impl Database {
    /// Opens the database, creating a SQLite file and its folder when absent, and fails when it is away.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, DbError> {
        let database = Self::lazy(settings).await?;
        database.ping().await?;
        Ok(database)
    }

    /// Opens a database that is there: an absent SQLite file is an error, and is not made.
    pub async fn connect_existing(settings: &DatabaseSettings) -> Result<Self, DbError> {
        if settings.url.expose().starts_with("sqlite:") {
            sqlite::require_file(settings)?;
        }
        Self::connect(settings).await
    }

    /// Opens a database that is in the making.
    pub async fn connect_new(file: &NewFile, settings: &DatabaseSettings) -> Result<Self, DbError> {
        let writer = sqlite::open_new(settings, file.path()).await?;
        let database = Self {
            reader: writer.connections().clone(),
            writer,
            settings: settings.clone(),
        };
        database.ping().await?;
        Ok(database)
    }

    /// Prepares the connections, which are made when first used: only a bad URL or folder fails here.
    pub async fn lazy(settings: &DatabaseSettings) -> Result<Self, DbError> {
        let url = settings.url.expose();
        let (reader, writer) = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite::open(settings).await?,
            Some("postgres" | "postgresql") => {
                let pool = postgres::open(settings).await?;
                (pool.clone(), SqlWriter::postgres(pool))
            }
            _ => return Err(DbError::Scheme),
        };
        Ok(Self {
            reader,
            writer,
            settings: settings.clone(),
        })
    }

    /// Reports a SQLite file that cannot be written, for as long as that lasts, as the part `database`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn reporting_to(self, health: &HealthIssues) -> Self {
        let outage = Arc::new(Outage::new("database", health.clone()));
        Self {
            writer: self.writer.reporting_to(outage),
            ..self
        }
    }

    /// Brings the schema up to date. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), DbError> {
        migrations::run(self).await
    }

    /// Migrates, waiting for as long as the database is unavailable.
    pub async fn migrate_when_available(&self) -> Result<(), DbError> {
        let mut wait = FIRST_RETRY;
        loop {
            match self.migrate().await {
                Err(error) if error.is_unavailable() => {
                    if wait == FIRST_RETRY {
                        warn!(%error, "the posts database is away, retrying");
                    }
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_RETRY);
                }
                outcome => {
                    if outcome.is_ok() && wait > FIRST_RETRY {
                        info!("the posts database is back");
                    }
                    return outcome;
                }
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        Ok(self.writer.connections().ping().await?)
    }

    /// Connections for reading; on SQLite they refuse to write.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Whether background work on it gives way to what serves: SQLite's threads are Weir's own and do, Postgres' processes
    /// know nothing of it.
    pub(crate) fn gives_way(&self) -> bool {
        self.backend() == DbBackend::Sqlite
    }

    /// Begins a transaction that may write. On SQLite it holds the one write lock from the start.
    pub async fn begin(&self) -> Result<WriteTransaction, DbError> {
        Ok(self.writer.begin().await?)
    }

    /// Begins the same kind of transaction, whose commit Postgres may not put off writing. On SQLite it is as any other.
    pub(super) async fn begin_durable(&self) -> Result<WriteTransaction, DbError> {
        let transaction = self.begin().await?;
        if self.backend() == DbBackend::Postgres {
            let durable = "SET LOCAL synchronous_commit = on";
            transaction.execute_unprepared(durable).await?;
        }
        Ok(transaction)
    }

    /// Waits for the statements under way and closes every connection.
    pub async fn close(self) -> Result<(), DbError> {
        self.reader.close().await?;
        Ok(self.writer.connections().clone().close().await?)
    }

    pub(super) fn writer(&self) -> &SqlWriter {
        &self.writer
    }

    pub(super) fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}
