//! Rows into SQLite, many to a statement that is prepared once.

use std::iter;

use sea_orm::{
    DbBackend,
    sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool, query, raw_sql},
};

use super::{super::new_post::COLUMN_NAMES, OnExisting};
use crate::db::{Database, DbError};

/// Sorts indexes with a second thread. A larger cache would only slow this down: SQLite sorts as much at a time as its cache
/// holds, and that would no longer fit the cache of the processor.
const BULK_MODE_ON: &str = "PRAGMA threads = 1";
/// The default.
const BULK_MODE_OFF: &str = "PRAGMA threads = 0";

/// Far below the 32,766 bound values of a statement.
const ROWS_PER_STATEMENT: usize = 250;

/// Mode of the one connection that writes, for filling a table without posts. It is harmless if it stays on.
#[derive(Debug)]
pub(super) struct BulkLoadMode(SqlitePool);

impl BulkLoadMode {
    /// Sets the mode, outside any transaction; returns `None` if posts are kept or the database is not SQLite.
    pub(super) async fn enable(
        database: &Database,
        on_existing: OnExisting,
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
        if on_existing != OnExisting::Drop && any_post.is_some() {
            return Ok(None);
        }
        raw_sql(BULK_MODE_ON).execute(&writer).await?;
        Ok(Some(Self(writer)))
    }

    pub(super) async fn disable(self) -> Result<(), DbError> {
        raw_sql(BULK_MODE_OFF).execute(&self.0).await?;
        Ok(())
    }
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    rows: Vec<[String; 8]>,
) -> Result<(), DbError> {
    let mut rows = rows.into_iter();
    while rows.len() > 0 {
        let marks = rows_of_marks(rows.len().min(ROWS_PER_STATEMENT), COLUMN_NAMES.len());
        let sql = format!(
            "INSERT INTO posts ({}) VALUES {marks}",
            COLUMN_NAMES.join(", ")
        );
        let mut statement = query(AssertSqlSafe(sql));
        for value in rows.by_ref().take(ROWS_PER_STATEMENT).flatten() {
            statement = statement.bind(value);
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes what has one of these keys.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    keys: &[(String, String)],
) -> Result<(), DbError> {
    for keys in keys.chunks(ROWS_PER_STATEMENT) {
        let marks = rows_of_marks(keys.len(), 2);
        // The unary plus keeps the index of the user, who may own most rows, out of it.
        let sql = format!(
            "DELETE FROM posts WHERE id IN (
                WITH keys (post_id, user_id) AS (VALUES {marks})
                SELECT posts.id FROM keys CROSS JOIN posts
                ON posts.post_id = keys.post_id AND +posts.session_user_id = keys.user_id)"
        );
        let mut statement = query(AssertSqlSafe(sql));
        for (post_id, user) in keys {
            statement = statement.bind(post_id).bind(user);
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// `(?, ?), (?, ?)` and so on.
fn rows_of_marks(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    iter::repeat_n(row, rows).collect::<Vec<_>>().join(", ")
}
