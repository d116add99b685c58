use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, sea_query::Query};

use super::entity::{Column, Entity};
use crate::db::{
    Database, DbError,
    time::{newest, parse_comparable_text},
};

impl Database {
    /// The greatest `created_at`, to the millisecond on SQLite.
    pub async fn newest_created_at(&self) -> Result<Option<DateTime<Utc>>, DbError> {
        let statement = Query::select().expr(newest(self.backend())).to_owned();
        let Some(row) = self.reader().query_one(&statement).await? else {
            return Ok(None);
        };
        if self.backend() == DbBackend::Sqlite {
            let text: Option<String> = row.try_get_by_index(0)?;
            return Ok(text.as_deref().and_then(parse_comparable_text));
        }
        Ok(row.try_get_by_index(0)?)
    }

    /// Whether there is no post at all.
    pub async fn is_empty(&self) -> Result<bool, DbError> {
        let statement = Query::select()
            .column(Column::PostId)
            .from(Entity)
            .limit(1)
            .to_owned();
        Ok(self.reader().query_one(&statement).await?.is_none())
    }
}
