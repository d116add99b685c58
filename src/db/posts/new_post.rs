use chrono::{DateTime, Utc};
use sea_orm::{DbBackend, ExprTrait, Value, sea_query::Expr};
use serde_json::value::RawValue;

use super::{
    entity::Column,
    json_text::{storable_json, storable_text},
};
use crate::db::time::stored;

/// A post about to be stored; the columns of `posts` without its key.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// The item's `id`.
    pub post_id: String,
    /// `session.current_time` of the request that brought it.
    pub session_timestamp: DateTime<Utc>,
    /// Who saw it.
    pub session_user_id: String,
    /// `facebook`, `reddit` or `twitter`.
    pub platform: String,
    /// `post` or `comment`, the column `type`.
    pub kind: String,
    /// Who wrote it.
    pub author_name_hash: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// The item as received.
    pub post_blob: Box<RawValue>,
}

/// The columns in the order of [`NewPost::row`].
pub(super) const COLUMNS: [Column; 8] = [
    Column::PostId,
    Column::SessionTimestamp,
    Column::SessionUserId,
    Column::Platform,
    Column::Kind,
    Column::AuthorNameHash,
    Column::CreatedAt,
    Column::PostBlob,
];

/// The names of [`COLUMNS`].
pub(super) const COLUMN_NAMES: [&str; 8] = [
    "post_id",
    "session_timestamp",
    "session_user_id",
    "platform",
    "type",
    "author_name_hash",
    "created_at",
    "post_blob",
];

impl NewPost {
    pub(super) fn row(&self, backend: DbBackend) -> [Expr; 8] {
        let text = |text: &str| Expr::val(storable_text(text).into_owned());
        let time = |time| Expr::val(stored(time, backend));
        let blob: Value = storable_json(self.post_blob.get()).into_owned().into();
        [
            text(&self.post_id),
            time(self.session_timestamp),
            text(&self.session_user_id),
            text(&self.platform),
            text(&self.kind),
            text(&self.author_name_hash),
            time(self.created_at),
            match backend {
                DbBackend::Postgres => Expr::val(blob).cast_as("jsonb"),
                _ => Expr::val(blob),
            },
        ]
    }
}
