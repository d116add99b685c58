//! Changes of the schema on Postgres, which never let others wait behind them for long.
//!
//! A reader of a table waits behind a change that waits for the table, even if the change waits for a reader too. So a
//! change gives up after a short time, lets the others pass, and tries again.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend};
use tokio::time::sleep;

use crate::db::DbError;
use crate::sql::WriteTransaction;

/// Longest wait for a lock at a time. Shorter than `deadlock_timeout`: in a deadlock it is never another program that fails.
pub(in crate::db) const LIMIT: &str = "SET LOCAL lock_timeout = '800ms'";
/// Time between two tries.
pub(in crate::db) const PAUSE: Duration = Duration::from_millis(500);
/// Time after which a change is not tried again.
pub(in crate::db) const PATIENCE: Duration = Duration::from_secs(30);

/// Limits the wait for each lock of the rest of this transaction.
pub(super) async fn limit(transaction: &WriteTransaction) -> Result<(), DbError> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(LIMIT).await?;
    }
    Ok(())
}

/// Tries a transaction again for as long as it finds a table locked.
pub(super) async fn retry<F>(attempt: impl Fn() -> F) -> Result<(), DbError>
where
    F: Future<Output = Result<(), DbError>>,
{
    let begun = Instant::now();
    loop {
        match attempt().await {
            Err(error) if error.is_lock_timeout() && begun.elapsed() < PATIENCE => {
                sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}
