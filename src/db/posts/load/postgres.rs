//! Rows into Postgres, by COPY.

use sea_orm::sqlx::{PgConnection, query};

use super::super::new_post::COLUMN_NAMES;
use crate::db::{DbError, sql_text::CopyText};

pub(super) async fn copy(connection: &mut PgConnection, rows: CopyText) -> Result<(), DbError> {
    let statement = format!("COPY posts ({}) FROM STDIN", COLUMN_NAMES.join(", "));
    let mut copy = connection.copy_in_raw(&statement).await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// Deletes what has one of these keys.
pub(super) async fn delete(
    connection: &mut PgConnection,
    keys: &[(String, String)],
) -> Result<(), DbError> {
    let (posts, users): (Vec<&str>, Vec<&str>) = keys
        .iter()
        .map(|(post_id, user)| (post_id.as_str(), user.as_str()))
        .unzip();
    query(
        "DELETE FROM posts USING unnest($1, $2) AS keys (post_id, user_id)
        WHERE posts.post_id = keys.post_id AND posts.session_user_id = keys.user_id",
    )
    .bind(posts)
    .bind(users)
    .execute(connection)
    .await?;
    Ok(())
}
