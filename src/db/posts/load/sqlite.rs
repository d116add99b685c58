//! Rows into SQLite, many to a statement that is prepared once.

use std::iter;

use sea_orm::sqlx::{AssertSqlSafe, SqliteConnection, query};

use super::super::new_post::COLUMN_NAMES;
use crate::db::DbError;

/// Far below the 32,766 bound values of a statement.
const ROWS_PER_STATEMENT: usize = 250;

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
