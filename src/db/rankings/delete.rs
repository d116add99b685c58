use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Alias, Expr, Query},
};

use super::columns::{TABLE, column};
use crate::db::{Database, DbError, time::stored};

impl Database {
    /// Deletes up to `limit` rankings from before a time, in a transaction of their own, and answers how many.
    pub async fn delete_rankings_before(
        &self,
        time: DateTime<Utc>,
        limit: u64,
    ) -> Result<u64, DbError> {
        let bound = Expr::val(stored(time, self.backend()));
        let batch = Query::select()
            .expr(column("id"))
            .from(Alias::new(TABLE))
            .and_where(column("at").lt(bound))
            .limit(limit)
            .to_owned();
        let statement = Query::delete()
            .from_table(Alias::new(TABLE))
            .and_where(column("id").in_subquery(batch))
            .to_owned();
        let transaction = self.begin().await?;
        let deleted = transaction.execute(&statement).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}
