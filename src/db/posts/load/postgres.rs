//! Rows into Postgres, by COPY.

use chrono::{DateTime, Utc};
use sea_orm::sqlx::{PgConnection, query};

use super::super::{
    json_text::{storable_json, storable_text},
    new_post::{COLUMN_NAMES, NewPost},
};
use crate::db::{DbError, copy_text::CopyText};

pub(super) async fn copy(connection: &mut PgConnection, posts: &[NewPost]) -> Result<(), DbError> {
    let mut rows = CopyText::default();
    for post in posts {
        push(&mut rows, post);
    }
    let statement = format!("COPY posts ({}) FROM STDIN", COLUMN_NAMES.join(", "));
    let mut copy = connection.copy_in_raw(&statement).await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// A row, in the order of the columns.
fn push(rows: &mut CopyText, post: &NewPost) {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
    rows.field(&storable_text(&post.post_id));
    rows.field(&time(post.session_timestamp));
    rows.field(&storable_text(&post.session_user_id));
    rows.field(&storable_text(&post.platform));
    rows.field(&storable_text(&post.kind));
    rows.field(&storable_text(&post.author_name_hash));
    rows.field(&time(post.created_at));
    rows.field(&storable_json(post.post_blob.get()));
    rows.end_row();
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
