//! Connections to the database, and their health.

mod new_file;
mod outage_monitor;
pub(in crate::db) mod postgres;
pub(in crate::db) mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend};
use tracing::info;
use weir_supervision::Backoff;

pub use new_file::NewFile;

use self::outage_monitor::OutageMonitor;
use super::{DbError, migrations};
use crate::health::HealthIssues;
use crate::settings::{DatabaseSettings, UrlError};
use crate::sql::{Pool, SqlWriter, WriteTransaction};

/// Delays between attempts to prepare the database.
const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// The posts database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    reader: Pool,
    writer: SqlWriter,
    settings: DatabaseSettings,
    outage_monitor: Arc<OutageMonitor>,
}

impl Database {
    /// Opens the database, creating a SQLite file and its folder when absent, and fails when it is unavailable.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, DbError> {
        let database = Self::lazy(settings).await?;
        match database.find_server().await {
            Err(error) if settings.create && error.is_no_database() => {
                postgres::create_database(settings).await?;
                database.find_server().await?;
            }
            answer => answer?,
        }
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
        let writer = sqlite::open_new(settings, file.path())?;
        let database = Self {
            reader: writer.connections().clone(),
            writer,
            settings: settings.clone(),
            outage_monitor: Arc::new(OutageMonitor::new(HealthIssues::default())),
        };
        database.ping().await?;
        Ok(database)
    }

    /// Prepares the connections, which are made when first used: only a bad URL or folder fails here.
    pub async fn lazy(settings: &DatabaseSettings) -> Result<Self, DbError> {
        Self::watched(settings, HealthIssues::default()).await
    }

    /// The same, with its outages reported to `health`.
    pub async fn watched(
        settings: &DatabaseSettings,
        health: HealthIssues,
    ) -> Result<Self, DbError> {
        let url = settings.url.expose();
        let (reader, writer) = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => sqlite::open(settings)?,
            Some("postgres" | "postgresql") => {
                let pool = postgres::open(settings).await?;
                (pool.clone(), SqlWriter::postgres(pool))
            }
            _ => return Err(UrlError::Scheme.into()),
        };
        let outage_monitor = OutageMonitor::new(health);
        Ok(Self {
            reader,
            writer: writer.reporting_to(outage_monitor.outage()),
            settings: settings.clone(),
            outage_monitor: Arc::new(outage_monitor),
        })
    }

    /// Brings the schema up to date. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), DbError> {
        migrations::run(self).await
    }

    /// Migrates, and tries again for as long as anything keeps it from that. With `database.create` it makes a Postgres
    /// database that is not there.
    pub async fn migrate_when_available(&self) {
        let mut failures = 0;
        while let Err(error) = self.migrate_or_create().await {
            self.note_failure(error.class(), &error);
            failures += 1;
            tokio::time::sleep(RETRY.delay(failures)).await;
        }
    }

    async fn migrate_or_create(&self) -> Result<(), DbError> {
        match self.migrate().await {
            Err(error) if self.settings.create && error.is_no_database() => {
                postgres::create_database(&self.settings).await?;
                info!("the database was created");
                self.migrate().await
            }
            outcome => outcome,
        }
    }

    /// Finds the first of the URL's servers that answers.
    async fn find_server(&self) -> Result<(), DbError> {
        Ok(self.writer.connections().find_server().await?)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        Ok(self.writer.connections().ping().await?)
    }

    /// Connections for reading; on SQLite they refuse to write.
    pub fn reader(&self) -> &Pool {
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

    pub(super) fn outage_monitor(&self) -> &OutageMonitor {
        &self.outage_monitor
    }

    pub(super) fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}
