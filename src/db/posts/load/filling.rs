//! How SQLite fills a table without posts.

use sea_orm::{
    DbBackend,
    sqlx::{SqlitePool, query, query_as, raw_sql},
};

use super::Existing;
use crate::db::{Database, DbError};

/// A rollback journal takes only the pages that were there before; WAL would write each new one twice.
const ROLLBACK_JOURNAL: &str = "PRAGMA journal_mode = DELETE";
/// Memory, and a second thread, to sort indexes with.
const FOR_MANY_ROWS: &str =
    "PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA threads = 1";
/// As `db::sqlite` opens it, the rest as SQLite begins.
const AS_USUAL: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000; PRAGMA threads = 0";

/// The one connection that writes, while it is set to fill a table. Dropped early it stays so, which is only slower.
#[derive(Debug)]
pub(super) struct Filling(SqlitePool);

impl Filling {
    /// Sets the connection, outside any transaction; `None` where posts stay or the database is another.
    pub(super) async fn begin(
        database: &Database,
        existing: Existing,
    ) -> Result<Option<Self>, DbError> {
        if database.backend() != DbBackend::Sqlite {
            return Ok(None);
        }
        let writer = database.writer().get_sqlite_connection_pool().clone();
        let any_post = query("SELECT 1 FROM posts LIMIT 1")
            .fetch_optional(&writer)
            .await?;
        if existing != Existing::Drop && any_post.is_some() {
            return Ok(None);
        }
        let (mode,): (String,) = query_as("PRAGMA journal_mode").fetch_one(&writer).await?;
        if mode == "wal" {
            leave_wal(&writer, database.reader().get_sqlite_connection_pool()).await?;
        }
        raw_sql(FOR_MANY_ROWS).execute(&writer).await?;
        Ok(Some(Self(writer)))
    }

    pub(super) async fn end(self) -> Result<(), DbError> {
        raw_sql(AS_USUAL).execute(&self.0).await?;
        Ok(())
    }
}

/// Refused while anybody else has the database open, or where it cannot be written: then it stays as it is.
async fn leave_wal(writer: &SqlitePool, reader: &SqlitePool) -> Result<(), DbError> {
    while let Some(idle) = reader.try_acquire() {
        idle.close().await?;
    }
    let _ = raw_sql(ROLLBACK_JOURNAL).execute(writer).await;
    Ok(())
}
