use std::os::unix::fs::MetadataExt;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::TransferError;
use crate::db::{Database, DbError, raw_transaction::RawTransaction};

/// Fails if the source is the target, however their URLs are spelled: the copy would wait for itself.
pub(super) async fn require_two(
    source: &mut RawTransaction,
    to: &Database,
) -> Result<(), TransferError> {
    let is_one = match (source.backend(), to.backend()) {
        (DbBackend::Sqlite, DbBackend::Sqlite) => is_one_file(source, to).await?,
        (DbBackend::Postgres, DbBackend::Postgres) => is_one_schema(source, to).await?,
        _ => false,
    };
    if is_one {
        return Err(TransferError::OneDatabase);
    }
    Ok(())
}

/// By the files that SQLite has opened, each of which may have several names.
async fn is_one_file(source: &mut RawTransaction, to: &Database) -> Result<bool, DbError> {
    let file = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let from: Vec<(String,)> = source.rows(file).await?;
    let file = Statement::from_string(DbBackend::Sqlite, file);
    let row = to.reader().query_one_raw(file).await?;
    let to: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    // A database in memory has no file.
    let identity = |path: String| std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let from = from.into_iter().next().and_then(|(path,)| identity(path));
    Ok(from.is_some() && from == to.and_then(identity))
}

/// Returns whether a lock that the source holds is seen in the target. A server may be reached at many addresses and by many roles,
/// and a restored copy of it has the same identifier; a lock on a random number is seen in its own database alone.
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
