//! Reaching the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use super::schema::Sql;
use crate::settings::Durability;

const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(700);
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 8;

/// Where the tables are.
pub(super) enum Target {
    Sqlite {
        file: PathBuf,
        durability: Durability,
    },
    Postgres {
        url: String,
    },
}

/// Open pools: `SQLite` has one writer, so it gets one connection that writes; on Postgres both are the same pool.
pub(super) struct Connections {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Target {
    pub(super) fn sqlite(file: &Path, durability: Durability) -> Self {
        Self::Sqlite {
            file: file.to_path_buf(),
            durability,
        }
    }

    pub(super) fn postgres(url: &str) -> Self {
        Self::Postgres {
            url: url.to_owned(),
        }
    }

    /// Connects and makes the tables.
    pub(super) async fn connect(&self, sql: &Sql) -> Result<Connections, DbErr> {
        let connections = match self {
            Self::Sqlite { file, durability } => Connections {
                writer: Database::connect(sqlite(file, *durability, 1)).await?,
                reader: Database::connect(sqlite(file, *durability, READERS)).await?,
            },
            Self::Postgres { url } => {
                let pool = Database::connect(pool(url, POSTGRES_CONNECTIONS)).await?;
                Connections {
                    writer: pool.clone(),
                    reader: pool,
                }
            }
        };
        let transaction = connections.begin().await?;
        sql.create_tables(&transaction).await?;
        transaction.commit().await?;
        Ok(connections)
    }
}

impl Connections {
    /// A transaction that writes. `SQLite` takes the write lock with BEGIN: a read that turns into a write may fail.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await
    }

    pub(super) fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }
}

fn sqlite(file: &Path, durability: Durability, connections: u32) -> ConnectOptions {
    let file = file.to_path_buf();
    let synchronous = match durability {
        Durability::Second => SqliteSynchronous::Normal,
        Durability::Disk => SqliteSynchronous::Full,
    };
    // The path is set as a path: in the URL some of its signs would mean something else.
    let mut options = pool("sqlite:results.db", connections);
    options.map_sqlx_sqlite_opts(move |options| {
        options
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(ACQUIRE_TIMEOUT)
    });
    options
}

fn pool(url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false);
    options
}
