use std::{io, path::PathBuf};

use sea_orm::{DbErr, RuntimeErr, SqlxError};
use thiserror::Error;

use crate::sql::sqlite_class;

/// Why the database did not do what was asked.
#[derive(Debug, Error)]
pub enum DbError {
    /// The URL is neither `sqlite:` nor `postgres:`; the URL itself may hold a password and is not shown.
    #[error("the database URL must begin with `sqlite:` or `postgres:`")]
    Scheme,
    /// The rest of the URL cannot be read.
    #[error("the database URL cannot be read: {0}")]
    Url(SqlxError),
    /// There is no such SQLite file.
    #[error("there is no database {}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The folder of a SQLite file cannot be made.
    #[error("cannot create the database's folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A new SQLite file cannot be made.
    #[error("cannot make the database {}", path.display())]
    NewFile {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Another process makes the same new SQLite file.
    #[error("another weir seed is filling {}", path.display())]
    InTheMaking {
        /// The file.
        path: PathBuf,
    },
    /// The database is away, starting, busy or full: the same call may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(DbErr),
    /// A batch that was made for a load into the other kind of database.
    #[error("these posts were made ready for another database")]
    OtherDatabase,
    /// The database refuses the data of this statement, and would again.
    #[error("the database refuses the data: {0}")]
    Data(DbErr),
    /// Anything else: a wrong password, a missing table, a mistake in a statement.
    #[error("the database failed: {0}")]
    Other(DbErr),
}

impl DbError {
    /// Whether trying again later may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Returns whether Postgres gave up waiting for a lock.
    pub(super) fn is_lock_timeout(&self) -> bool {
        let Self::Unavailable(
            DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)),
        ) = self
        else {
            return false;
        };
        let code = error
            .as_database_error()
            .and_then(sea_orm::sqlx::error::DatabaseError::code);
        code.as_deref() == Some("55P03")
    }
}

impl From<SqlxError> for DbError {
    fn from(error: SqlxError) -> Self {
        DbErr::Query(RuntimeErr::SqlxError(error.into())).into()
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        match kind(&error) {
            Kind::Unavailable => Self::Unavailable(error),
            Kind::Data => Self::Data(error),
            Kind::Other => Self::Other(error),
        }
    }
}

enum Kind {
    Unavailable,
    Data,
    Other,
}

fn kind(error: &DbErr) -> Kind {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(RuntimeErr::Internal(_)) => Kind::Unavailable,
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => kind_of_sqlx(error),
        _ => Kind::Other,
    }
}

fn kind_of_sqlx(error: &SqlxError) -> Kind {
    match error {
        SqlxError::Io(_)
        | SqlxError::Protocol(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed => Kind::Unavailable,
        SqlxError::Encode(_) => Kind::Data,
        SqlxError::Database(error) => {
            let code = error.code().unwrap_or_default();
            match error.try_downcast_ref::<sea_orm::SqlxPostgresError>() {
                Some(_) => kind_of_sqlstate(&code),
                None => code.parse().map_or(Kind::Other, kind_of_sqlite),
            }
        }
        _ => Kind::Other,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn kind_of_sqlstate(code: &str) -> Kind {
    match code {
        // Serialization failure, deadlock, lock not available; the server starts or stops.
        "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03" => Kind::Unavailable,
        // Connection exception, insufficient resources, system error.
        _ if ["08", "53", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Kind::Unavailable
        }
        // Data exception, integrity violation, a value over a limit of the server.
        _ if ["22", "23", "54"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Kind::Data
        }
        _ => Kind::Other,
    }
}

/// <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
fn kind_of_sqlite(code: i32) -> Kind {
    match sqlite_class(code) {
        Some(class) if class.is_retryable() => Kind::Unavailable,
        // TOOBIG, CONSTRAINT, MISMATCH.
        None if matches!(code & 0xff, 18..=20) => Kind::Data,
        _ => Kind::Other,
    }
}
