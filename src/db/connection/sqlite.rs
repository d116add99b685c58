//! How SQLite is opened: WAL, one connection that writes, several that read and give way to who serves.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    DatabaseConnection, SqlxSqliteConnector,
    sqlx::{
        self, ConnectOptions,
        sqlite::{
            SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions,
            SqliteSynchronous,
        },
    },
};

use crate::db::DbError;
use crate::priority;
use crate::settings::{DatabaseSettings, UrlError, check_sqlite};
use crate::sql::{Pool, SqlWriter, SqliteWatch};

/// Longest wait for another process's lock, longer than any batch of ours takes to commit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows that a connection may read ahead of who takes them: pages are taken whole, and each wait is two switches of threads.
const ROWS_AHEAD: usize = 1_000;

/// Instructions of SQLite's machine, some 20 us, after which a connection that reads sees whether to give way.
const INSTRUCTIONS_AT_ONCE: i32 = 1_000;

/// The connections that read and the one that writes. Makes the folder and the file when absent.
pub(super) fn open(settings: &DatabaseSettings) -> Result<(Pool, SqlWriter), DbError> {
    let options = options(settings)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", "67108864");
    if is_in_memory(settings) {
        // Each further connection would have an empty database of its own.
        let writer = writer(settings, options, None);
        return Ok((writer.connections().clone(), writer));
    }
    let file = options.get_filename().to_owned();
    create_folder_of(&file)?;
    let reading = options
        .clone()
        .pragma("query_only", "on")
        .row_buffer_size(ROWS_AHEAD);
    let writer = writer(settings, options, Some(file));
    let reader = pool(settings, reading, settings.max_connections, giving_way);
    Ok((Pool::sqlite(reader), writer))
}

/// The one connection to a file in the making, of which nothing is kept unless all is well.
pub(super) fn open_new(settings: &DatabaseSettings, file: &Path) -> Result<SqlWriter, DbError> {
    let options = options(settings)?
        .filename(file)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    Ok(writer(settings, options, Some(file.to_owned())))
}

fn writer(
    settings: &DatabaseSettings,
    options: SqliteConnectOptions,
    file: Option<PathBuf>,
) -> SqlWriter {
    let watch = SqliteWatch::default();
    let only = pool(settings, options, 1, |pool| watch.over(pool));
    SqlWriter::sqlite(only, watch, file)
}

/// Fails unless the file is there.
pub(super) fn require_file(settings: &DatabaseSettings) -> Result<(), DbError> {
    let path = options(settings)?.get_filename().to_owned();
    if path.exists() {
        return Ok(());
    }
    Err(DbError::NoFile { path })
}

/// The file of these settings; `None` where they name Postgres or a database in memory.
pub(in crate::db) fn file_of(settings: &DatabaseSettings) -> Result<Option<PathBuf>, DbError> {
    if !settings.url.expose().starts_with("sqlite:") || is_in_memory(settings) {
        return Ok(None);
    }
    Ok(Some(options(settings)?.get_filename().to_owned()))
}

fn options(settings: &DatabaseSettings) -> Result<SqliteConnectOptions, DbError> {
    options_of(settings.url.expose())
}

/// How to connect to the database of a URL.
pub(in crate::db) fn options_of(url: &str) -> Result<SqliteConnectOptions, DbError> {
    check_sqlite(url)?;
    // What the driver says of a URL may quote it.
    let unreadable = |_| UrlError::Part {
        part: "path",
        expected: "UTF-8, percent-encoded",
    };
    Ok(url.parse().map_err(unreadable)?)
}

fn is_in_memory(settings: &DatabaseSettings) -> bool {
    let url = settings.url.expose();
    url.contains(":memory:") || url.contains("mode=memory")
}

fn pool(
    settings: &DatabaseSettings,
    options: SqliteConnectOptions,
    max_connections: u32,
    prepare: impl Fn(SqlitePoolOptions) -> SqlitePoolOptions,
) -> DatabaseConnection {
    let pool = SqlitePoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(settings.connect_timeout)
        // A memory database lives as long as its connection.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    // sea-orm's own way connects at once, to ask for the version, which fails on a full disk.
    let pool = prepare(pool).connect_lazy_with(options.disable_statement_logging());
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
}

/// Makes the threads of connections give way, in the midst of a statement too.
fn giving_way(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_connect(|connection, _| Box::pin(give_way(connection)))
}

/// Each connection has a thread of its own, which is reached only from within a statement.
async fn give_way(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut is_lowered = false;
    let give_way = move || {
        if !std::mem::replace(&mut is_lowered, true) {
            priority::lower();
        }
        priority::give_way();
        true
    };
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(INSTRUCTIONS_AT_ONCE, give_way);
    Ok(())
}

pub(super) fn create_folder_of(file: &Path) -> Result<(), DbError> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            std::fs::create_dir_all(folder).map_err(|source| DbError::Folder {
                path: folder.to_owned(),
                source,
            })
        }
        _ => Ok(()),
    }
}
