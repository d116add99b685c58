use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Expr, Query},
};

use super::entity::{Column, Entity};
use crate::db::{Database, DbError, TimeRange};

impl Database {
    /// Deletes up to `limit` posts with `created_at` before a time, in a transaction of their own, and answers how many.
    pub async fn delete_posts_before(
        &self,
        time: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, DbError> {
        let range = TimeRange {
            from: None,
            to: Some(time),
        };
        let batch = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(range.indexed_condition(self.backend()))
            .limit(limit)
            .to_owned();
        let statement = Query::delete()
            .from_table(Entity)
            .and_where(Expr::col(Column::Id).in_subquery(batch))
            .to_owned();
        let transaction = self.begin().await?;
        let deleted = transaction.execute(&statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}
