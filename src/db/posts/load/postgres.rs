//! Rows into Postgres, by COPY.

use sea_orm::sqlx::{PgConnection, query};

use super::super::{
    json_text::storable_text,
    new_post::{COLUMN_NAMES, NewPost},
};
use super::copy_text::CopyText;
use crate::db::DbError;

pub(super) async fn copy(connection: &mut PgConnection, posts: &[NewPost]) -> Result<(), DbError> {
    let mut rows = CopyText::default();
    for post in posts {
        rows.push(post);
    }
    let statement = format!("COPY posts ({}) FROM STDIN", COLUMN_NAMES.join(", "));
    let mut copy = connection.copy_in_raw(&statement).await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// Deletes what has the key of one of these posts.
pub(super) async fn delete(
    connection: &mut PgConnection,
    posts: &[NewPost],
) -> Result<(), DbError> {
    let column = |of: fn(&NewPost) -> &String| -> Vec<String> {
        posts
            .iter()
            .map(|post| storable_text(of(post)).into_owned())
            .collect()
    };
    query(
        "DELETE FROM posts USING unnest($1, $2) AS keys (post_id, user_id)
        WHERE posts.post_id = keys.post_id AND posts.session_user_id = keys.user_id",
    )
    .bind(column(|post| &post.post_id))
    .bind(column(|post| &post.session_user_id))
    .execute(connection)
    .await?;
    Ok(())
}
