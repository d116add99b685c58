use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sqlx::sqlite::{SqliteConnection, SqlitePoolOptions};
use sea_orm::sqlx::{self, Connection};
use sea_orm::{DbErr, RuntimeErr};

use crate::outage::ErrorClass;

/// Commits and rollbacks of the only connection of a pool, as SQLite itself reports them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SqliteWatch(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    rollbacks: AtomicU64,
}

/// A transaction as seen by a [`SqliteWatch`].
#[derive(Debug)]
pub(super) struct Watched {
    counters: Arc<Counters>,
    commits: u64,
    rollbacks: u64,
}

impl SqliteWatch {
    /// Makes a pool of one connection report to this watch, and close a connection that comes back in a transaction.
    pub(crate) fn over(&self, options: SqlitePoolOptions) -> SqlitePoolOptions {
        let watch = self.clone();
        options
            .after_connect(move |connection, _| {
                let watch = watch.clone();
                Box::pin(async move { watch.listen(connection).await })
            })
            .after_release(|connection, _| Box::pin(is_clean(connection)))
    }

    async fn listen(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let (commits, rollbacks) = (Arc::clone(&self.0), Arc::clone(&self.0));
        let mut handle = connection.lock_handle().await?;
        handle.set_commit_hook(move || {
            commits.commits.fetch_add(1, Ordering::AcqRel);
            true
        });
        handle.set_rollback_hook(move || {
            rollbacks.rollbacks.fetch_add(1, Ordering::AcqRel);
        });
        Ok(())
    }

    /// Watches the transaction that has just begun.
    pub(super) fn begun(&self) -> Watched {
        Watched {
            counters: Arc::clone(&self.0),
            commits: self.0.commits.load(Ordering::Acquire),
            rollbacks: self.0.rollbacks.load(Ordering::Acquire),
        }
    }
}

impl Watched {
    /// Fails once SQLite has rolled the transaction back.
    pub(super) fn require_open(&self) -> Result<(), DbErr> {
        if self.counters.rollbacks.load(Ordering::Acquire) == self.rollbacks {
            return Ok(());
        }
        Err(ended("SQLite has rolled the transaction back"))
    }

    /// Fails unless SQLite has committed the transaction.
    pub(super) fn require_committed(&self) -> Result<(), DbErr> {
        self.require_open()?;
        if self.counters.commits.load(Ordering::Acquire) > self.commits {
            return Ok(());
        }
        Err(ended("SQLite has not committed the transaction"))
    }
}

fn ended(why: &str) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(why.to_owned()))
}

/// Returns whether a connection that is given back has no transaction open, once a queued rollback has run.
async fn is_clean(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

/// Class of an error code of SQLite, <https://www.sqlite.org/rescode.html>, whose low byte is the primary code. `None`
/// for errors of the statement or its data.
pub(crate) fn sqlite_class(code: i32) -> Option<ErrorClass> {
    Some(match code & 0xff {
        // ABORT (after a rollback), INTERRUPT.
        4 | 9 => ErrorClass::passing("transaction interrupted"),
        // BUSY, LOCKED, PROTOCOL.
        5 | 6 | 15 => ErrorClass::passing("locked by another process"),
        // NOMEM.
        7 => ErrorClass::passing("out of memory"),
        // READONLY.
        8 => ErrorClass::needs_operator("read-only"),
        // IOERR.
        10 => ErrorClass::passing("cannot be read or written (I/O error)"),
        // CORRUPT, NOTADB.
        11 | 26 => ErrorClass::fault("damaged"),
        // FULL.
        13 => DISK_FULL,
        // CANTOPEN.
        14 => ErrorClass::needs_operator("cannot be opened"),
        _ => return None,
    })
}

/// Class of the errors of a database that has no room left.
pub(crate) const DISK_FULL: ErrorClass = ErrorClass::passing("disk full");
