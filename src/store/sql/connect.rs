//! Reaching the database.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr};
use tokio::time::sleep;

use super::schema::Sql;
use crate::db::{DbError, servers};
use crate::settings::{DatabaseSettings, Durability, Pooler};
use crate::sql::{Pool, Servers, SqlWriter, SqliteWatch, WriteTransaction};

const SERVER_TIMEOUT: Duration = Duration::from_millis(700);
/// A file is never away, only busy.
const FILE_TIMEOUT: Duration = Duration::from_secs(9);
const OPENING_TRIES: u32 = 10;
const OPENING_PAUSE: Duration = Duration::from_millis(20);
const READERS: u32 = 4;
/// Taking a job in is a use and writes up to 28 KiB of log (200,000 of them wrote 5.6 GB).
const USES_PER_CHECKPOINT: u64 = 2_048;
/// What is left of a log that was once longer.
const LOG_BYTES: &str = "16777216";
const POSTGRES_CONNECTIONS: u32 = 8;

/// Where the tables are.
pub(crate) enum Target {
    Sqlite {
        file: PathBuf,
        durability: Durability,
    },
    Postgres {
        servers: Servers,
        pooler: Pooler,
    },
}

/// Open pools: `SQLite` has one writer, so it gets one connection that writes; on Postgres both are the same pool.
pub(crate) struct Connections {
    writer: SqlWriter,
    reader: Pool,
    uses: AtomicU64,
}

impl Target {
    pub(crate) fn sqlite(file: &Path, durability: Durability) -> Self {
        Self::Sqlite {
            file: file.to_path_buf(),
            durability,
        }
    }

    pub(crate) fn postgres(database: &DatabaseSettings) -> Result<Self, DbError> {
        Ok(Self::Postgres {
            servers: servers(&database.url, database, "weir results")?,
            pooler: database.pooler,
        })
    }

    /// Connects and makes the tables.
    pub(crate) async fn connect(&self, sql: &Sql) -> Result<Connections, DbErr> {
        let (writer, reader) = match self {
            Self::Sqlite { file, durability } => {
                let watch = SqliteWatch::default();
                let over = watch.clone();
                let mut options = sqlite(file, *durability, 1);
                options.map_sqlx_sqlite_pool_opts(move |pool| over.over(pool));
                let writer =
                    SqlWriter::sqlite(open_file(options).await?, watch, Some(file.clone()));
                let reader = open_file(sqlite(file, *durability, READERS)).await?;
                (writer, Pool::sqlite(reader))
            }
            Self::Postgres { servers, pooler } => {
                let (servers, most) = (servers.clone(), POSTGRES_CONNECTIONS);
                let pool = Pool::postgres(servers, *pooler, most, SERVER_TIMEOUT).await?;
                (SqlWriter::postgres(pool.clone()), pool)
            }
        };
        let connections = Connections {
            writer,
            reader,
            uses: AtomicU64::new(0),
        };
        let transaction = connections.begin().await?;
        sql.create_tables(&transaction).await?;
        transaction.commit().await?;
        Ok(connections)
    }
}

impl Connections {
    /// To be called before each use. Now and then what the log of a `SQLite` file holds is written into the file, so that
    /// the log begins anew. By itself `SQLite` does so only after a statement that is run to its end, at a moment when
    /// nobody reads: under load that never comes, and the log would grow for as long.
    pub(crate) async fn prepare(&self) {
        let uses = self.uses.fetch_add(1, Ordering::Relaxed) + 1;
        let is_file = self.writer.get_database_backend() == DbBackend::Sqlite;
        if is_file && uses.is_multiple_of(USES_PER_CHECKPOINT) {
            let checkpoint = "PRAGMA wal_checkpoint(RESTART)";
            if let Err(error) = self
                .writer
                .connections()
                .execute_unprepared(checkpoint)
                .await
            {
                tracing::debug!(%error, "the log of the results cannot begin anew yet");
            }
        }
    }

    /// A transaction that writes.
    pub(crate) async fn begin(&self) -> Result<WriteTransaction, DbErr> {
        self.writer.begin().await
    }

    /// For single statements that write.
    pub(crate) fn writer(&self) -> &SqlWriter {
        &self.writer
    }

    pub(crate) fn reader(&self) -> &Pool {
        &self.reader
    }
}

/// Opens a file, again if another opens it at the same time: two that turn a new one into a WAL database get in each
/// other's way, for which the busy timeout does not wait.
async fn open_file(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    for _ in 0..OPENING_TRIES {
        if let Ok(connection) = Database::connect(options.clone()).await {
            return Ok(connection);
        }
        sleep(OPENING_PAUSE).await;
    }
    Database::connect(options).await
}

fn sqlite(file: &Path, durability: Durability, connections: u32) -> ConnectOptions {
    let file = file.to_path_buf();
    let synchronous = match durability {
        Durability::Second => SqliteSynchronous::Normal,
        Durability::Disk => SqliteSynchronous::Full,
    };
    // The path is set as a path: in the URL some of its signs would mean something else.
    let mut options = pool("sqlite:results.db", connections, FILE_TIMEOUT);
    // There is no connection to a file that could have been lost.
    options.test_before_acquire(false);
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(FILE_TIMEOUT)
            .pragma("journal_size_limit", LOG_BYTES)
    });
    options
}

fn pool(url: &str, connections: u32, timeout: Duration) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(timeout)
        .connect_timeout(timeout)
        .sqlx_logging(false);
    options
}
