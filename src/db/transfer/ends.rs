//! The two databases of a transfer.

use std::os::unix::fs::MetadataExt;

use sea_orm::sqlx::{ConnectOptions, SqlitePool};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::TransferError;
use crate::db::connection::{postgres, sqlite};
use crate::db::raw_transaction::RawTransaction;
use crate::db::{Database, DbError};
use crate::settings::DatabaseSettings;
use crate::sql::SqliteTransaction;

/// A database to read from, as it was when it was opened; nothing is written to it, and a missing file is not made.
pub(super) async fn open_source(settings: &DatabaseSettings) -> Result<RawTransaction, DbError> {
    if settings.url.expose().starts_with("sqlite:") {
        let options = sqlite::options_of(settings.url.expose())?.read_only(true);
        let pool = SqlitePool::connect_with(options.disable_statement_logging()).await?;
        let transaction = SqliteTransaction::reading(pool.begin().await?);
        return Ok(RawTransaction::Sqlite(transaction));
    }
    let servers = postgres::servers(&settings.url, settings, "weir")?;
    let connection = servers.connect(settings.connect_timeout).await?;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    RawTransaction::on_postgres(connection, begin, settings.pooler).await
}

/// Fails if the source is the target, however their URLs are spelled: the copy would wait for itself.
pub(super) async fn require_two(
    from: &DatabaseSettings,
    source: &mut RawTransaction,
    to: &Database,
) -> Result<(), TransferError> {
    let is_one = match (source.backend(), to.backend()) {
        (DbBackend::Sqlite, DbBackend::Sqlite) => is_one_file(from, to)?,
        (DbBackend::Postgres, DbBackend::Postgres) => is_one_schema(source, to).await?,
        _ => false,
    };
    if is_one {
        return Err(TransferError::OneDatabase);
    }
    Ok(())
}

/// By the file itself, which may have several names.
fn is_one_file(from: &DatabaseSettings, to: &Database) -> Result<bool, DbError> {
    let identity = |settings| {
        let file = sqlite::file_of(settings)?;
        let there = file.and_then(|file| std::fs::metadata(file).ok());
        Ok::<_, DbError>(there.map(|file| (file.dev(), file.ino())))
    };
    let source = identity(from)?;
    Ok(source.is_some() && source == identity(to.settings())?)
}

/// Returns whether a lock that the source holds is seen in the target. A server may be reached at many addresses and by many
/// roles, and a restored copy of it has the same identifier; a lock on a random number is seen in its own database alone.
async fn is_one_schema(source: &mut RawTransaction, to: &Database) -> Result<bool, DbError> {
    let (class, object): (u32, u32) = (rand::random(), rand::random());
    let lock = format!(
        "SELECT pg_try_advisory_xact_lock({}, {}), current_schema()::text",
        class.cast_signed(),
        object.cast_signed()
    );
    let locked: Vec<(bool, Option<String>)> = source.rows(&lock).await?;
    let schema = locked.into_iter().next().and_then(|(_, schema)| schema);
    let seen = format!(
        "SELECT current_schema()::text FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
            AND classid = {class} AND objid = {object}"
    );
    let seen = Statement::from_string(DbBackend::Postgres, seen);
    let row = to.reader().query_one_raw(seen).await?;
    let target: Option<Option<String>> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(target.is_some_and(|target| target == schema))
}
