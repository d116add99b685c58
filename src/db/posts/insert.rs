use std::ops::Range;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait, sea_query::Query};

use super::{
    entity::Entity,
    new_post::{COLUMNS, NewPost},
};
use crate::db::{Database, DbError};

/// Rows of one statement: 8,000 bound values, far from the 32,766 of SQLite and the 65,535 of Postgres.
const ROWS_PER_STATEMENT: usize = 1_000;

/// What became of a batch of posts.
#[derive(Debug, Default)]
pub struct InsertOutcome {
    /// How many are stored.
    pub inserted: usize,
    /// Those that the database refuses.
    pub rejected: Vec<RejectedPost>,
}

/// A post that the database refuses.
#[derive(Debug)]
pub struct RejectedPost {
    /// Its place in the batch.
    pub index: usize,
    /// Why.
    pub error: DbError,
}

impl Database {
    /// Stores posts in one transaction. A post that the database refuses is left out and reported, the others are
    /// stored; any other failure stores none. A long load calls this every 5,000 posts or so, for the write lock of
    /// SQLite is held meanwhile.
    pub async fn insert_posts(&self, posts: &[NewPost]) -> Result<InsertOutcome, DbError> {
        let mut outcome = InsertOutcome::default();
        if posts.is_empty() {
            return Ok(outcome);
        }
        let transaction = self.begin().await?;
        let mut pending: Vec<Range<usize>> = chunks(posts.len()).rev().collect();
        while let Some(rows) = pending.pop() {
            match insert(&transaction, &posts[rows.clone()]).await {
                Ok(()) => outcome.inserted += rows.len(),
                Err(error @ DbError::Data(_)) if rows.len() == 1 => {
                    let index = rows.start;
                    outcome.rejected.push(RejectedPost { index, error });
                }
                Err(DbError::Data(_)) => {
                    let middle = rows.start + rows.len() / 2;
                    pending.push(middle..rows.end);
                    pending.push(rows.start..middle);
                }
                Err(error) => return Err(error),
            }
        }
        transaction.commit().await?;
        Ok(outcome)
    }
}

fn chunks(rows: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
    (0..rows.div_ceil(ROWS_PER_STATEMENT)).map(move |chunk| {
        let start = chunk * ROWS_PER_STATEMENT;
        start..(start + ROWS_PER_STATEMENT).min(rows)
    })
}

/// One statement behind a savepoint, without which a failure would end the whole transaction on Postgres.
async fn insert(transaction: &DatabaseTransaction, posts: &[NewPost]) -> Result<(), DbError> {
    let savepoint = transaction.begin().await?;
    let mut statement = Query::insert();
    statement.into_table(Entity).columns(COLUMNS);
    for post in posts {
        statement.values_panic(post.row(transaction.get_database_backend()));
    }
    match savepoint.execute(&statement).await {
        Ok(_) => savepoint.commit().await?,
        Err(error) => {
            savepoint.rollback().await?;
            return Err(error.into());
        }
    }
    Ok(())
}
