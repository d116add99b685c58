use std::borrow::Borrow;

use sea_orm::{
    DbErr,
    sea_query::{Alias, Expr, Query},
};

use super::{
    RankingRecord,
    columns::{COLUMNS, TABLE, row},
};
use crate::db::{Database, DbError, InsertOutcome, insert_rows::insert_rows};

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
}
