//! Rows into SQLite, many to a statement that is prepared once.

use std::iter;

use sea_orm::sqlx::{AssertSqlSafe, SqliteConnection, query};

use super::super::{
    json_text::{storable_json, storable_text},
    new_post::{COLUMN_NAMES, NewPost},
};
use crate::db::{DbError, time::sqlite_text};

/// Far below the 32,766 bound values of a statement.
const ROWS_PER_STATEMENT: usize = 250;

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    posts: &[NewPost],
) -> Result<(), DbError> {
    for posts in posts.chunks(ROWS_PER_STATEMENT) {
        let rows = rows_of_marks(posts.len(), COLUMN_NAMES.len());
        let sql = format!(
            "INSERT INTO posts ({}) VALUES {rows}",
            COLUMN_NAMES.join(", ")
        );
        let mut statement = query(AssertSqlSafe(sql));
        for post in posts {
            statement = statement
                .bind(storable_text(&post.post_id))
                .bind(sqlite_text(post.session_timestamp))
                .bind(storable_text(&post.session_user_id))
                .bind(storable_text(&post.platform))
                .bind(storable_text(&post.kind))
                .bind(storable_text(&post.author_name_hash))
                .bind(sqlite_text(post.created_at))
                .bind(storable_json(post.post_blob.get()));
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Deletes what has the key of one of these posts.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    posts: &[NewPost],
) -> Result<(), DbError> {
    for posts in posts.chunks(ROWS_PER_STATEMENT) {
        let keys = rows_of_marks(posts.len(), 2);
        // The unary plus keeps the index of the user, who may own most rows, out of it.
        let sql = format!(
            "DELETE FROM posts WHERE id IN (
                WITH keys (post_id, user_id) AS (VALUES {keys})
                SELECT posts.id FROM keys CROSS JOIN posts
                ON posts.post_id = keys.post_id AND +posts.session_user_id = keys.user_id)"
        );
        let mut statement = query(AssertSqlSafe(sql));
        for post in posts {
            statement = statement
                .bind(storable_text(&post.post_id))
                .bind(storable_text(&post.session_user_id));
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
