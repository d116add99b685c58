//! Many rows at once, of which one that the database refuses costs only itself.

use std::ops::Range;

use sea_orm::{ConnectionTrait, sea_query::InsertStatement};

use super::DbError;
use crate::sql::WriteTransaction;

/// Rows of one statement: up to 13,000 bound values, far from the 32,766 of SQLite and the 65,535 of Postgres.
pub(super) const ROWS_PER_STATEMENT: usize = 1_000;

/// What became of a batch of rows.
#[derive(Debug, Default)]
pub struct InsertOutcome {
    /// How many are stored.
    pub inserted: usize,
    /// Those that the database refuses.
    pub rejected: Vec<RejectedRow>,
}

/// A row that the database refuses.
#[derive(Debug)]
pub struct RejectedRow {
    /// Its index in the batch.
    pub index: usize,
    /// Why.
    pub error: DbError,
}

/// Stores rows by the statement that `insert` makes of some of them. A statement that fails on its data is halved until
/// the row is found: that one is reported, the others are stored. After any other failure the transaction is of no use.
pub(super) async fn insert_rows<R>(
    transaction: &WriteTransaction,
    rows: &[R],
    insert: impl Fn(&[R]) -> InsertStatement,
) -> Result<InsertOutcome, DbError> {
    let mut outcome = InsertOutcome::default();
    let mut pending: Vec<Range<usize>> = chunks(rows.len()).rev().collect();
    while let Some(range) = pending.pop() {
        match execute(transaction, &insert(&rows[range.clone()])).await {
            Ok(inserted) => outcome.inserted += inserted,
            Err(error @ DbError::Data(_)) if range.len() == 1 => {
                let index = range.start;
                outcome.rejected.push(RejectedRow { index, error });
            }
            Err(DbError::Data(_)) => {
                let middle = range.start + range.len() / 2;
                pending.push(middle..range.end);
                pending.push(range.start..middle);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

fn chunks(rows: usize) -> impl DoubleEndedIterator<Item = Range<usize>> {
    (0..rows.div_ceil(ROWS_PER_STATEMENT)).map(move |chunk| {
        let start = chunk * ROWS_PER_STATEMENT;
        start..(start + ROWS_PER_STATEMENT).min(rows)
    })
}

/// One statement behind a savepoint, without which a failure would end the whole transaction on Postgres; answers how
/// many rows are new.
async fn execute(
    transaction: &WriteTransaction,
    statement: &InsertStatement,
) -> Result<usize, DbError> {
    let savepoint = transaction.savepoint().await?;
    match savepoint.execute(statement).await {
        Ok(result) => {
            savepoint.commit().await?;
            Ok(usize::try_from(result.rows_affected()).unwrap_or(usize::MAX))
        }
        Err(error) => {
            let error = DbError::from(error);
            match savepoint.rollback().await {
                // The database has ended the whole transaction, so that the other rows cannot be stored either.
                Err(refusal) if matches!(error, DbError::Data(_)) => Err(refusal.into()),
                _ => Err(error),
            }
        }
    }
}
