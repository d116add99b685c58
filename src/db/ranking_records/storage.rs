use std::borrow::Borrow;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{ConnectionTrait, DbErr, ExprTrait};

use super::RankingRecord;
use super::columns::{COLUMNS, TABLE, column, row};
use crate::db::insert_rows::insert_rows;
use crate::db::time::stored;
use crate::db::{Database, DbError, InsertOutcome};

impl Database {
    /// Stores rankings in one transaction. One that the database refuses is left out and reported, the others are
    /// stored; any other failure stores none.
    pub async fn insert_rankings(
        &self,
        rankings: &[impl Borrow<RankingRecord>],
    ) -> Result<InsertOutcome, DbError> {
        if rankings.is_empty() {
            return Ok(InsertOutcome::default());
        }
        let rows: Vec<[Expr; 13]> = rankings
            .iter()
            .map(|ranking| row(ranking.borrow(), self.backend()))
            .collect::<Result<_, DbErr>>()?;
        let transaction = self.begin_durable().await?;
        let insert = |rows: &[[Expr; 13]]| {
            let mut statement = Query::insert();
            statement
                .into_table(Alias::new(TABLE))
                .columns(COLUMNS.map(Alias::new));
            for row in rows {
                statement.values_panic(row.clone());
            }
            statement
        };
        let outcome = insert_rows(&transaction, &rows, insert).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

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
