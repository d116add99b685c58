//! The table `posts`. Another program may have made it, so every column but the key may be null.

use sea_orm::entity::prelude::*;

/// One post as one person saw it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posts")]
pub struct Model {
    /// Grows with each row. It is `serial` on Postgres, and read as a `bigint` so that a wider key fits as well.
    #[sea_orm(primary_key, select_as = "bigint")]
    pub id: i64,
    /// The item's `id`, never the item's own `post_id`.
    pub post_id: Option<String>,
    /// `session.current_time` of the request that brought it.
    pub session_timestamp: Option<DateTimeUtc>,
    /// Who saw it.
    pub session_user_id: Option<String>,
    /// `facebook`, `reddit` or `twitter`.
    pub platform: Option<String>,
    /// `post` or `comment`.
    #[sea_orm(column_name = "type")]
    pub kind: Option<String>,
    /// Who wrote it.
    pub author_name_hash: Option<String>,
    /// When it was written.
    pub created_at: Option<DateTimeUtc>,
    /// The item as received, as JSON text.
    #[sea_orm(select_as = "text")]
    pub post_blob: Option<String>,
}

/// `posts` refers to no other table.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
