//! How SQLite fills a table without posts.

use sea_orm::{
    DbBackend,
    sqlx::{SqlitePool, query, raw_sql},
};

use super::Existing;
use crate::db::{Database, DbError};

/// A second thread to sort indexes with. A larger cache would only slow them down, for what SQLite sorts at a time is as
/// large, and no longer in the cache of the processor.
const FOR_MANY_ROWS: &str = "PRAGMA threads = 1";
/// As SQLite begins.
const AS_USUAL: &str = "PRAGMA threads = 0";

/// The one connection that writes, while it is set to fill a table. Dropped early it stays so, which does no harm.
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
        let writer = database
            .writer()
            .connections()
            .inner()
            .get_sqlite_connection_pool()
            .clone();
        let any_post = query("SELECT 1 FROM posts LIMIT 1")
            .fetch_optional(&writer)
            .await?;
        if existing != Existing::Drop && any_post.is_some() {
            return Ok(None);
        }
        raw_sql(FOR_MANY_ROWS).execute(&writer).await?;
        Ok(Some(Self(writer)))
    }

    pub(super) async fn end(self) -> Result<(), DbError> {
        raw_sql(AS_USUAL).execute(&self.0).await?;
        Ok(())
    }
}
