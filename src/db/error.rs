use std::{io, path::PathBuf};

use sea_orm::{DbErr, RuntimeErr, SqlxError};
use thiserror::Error;

use crate::outage::ErrorClass;
use crate::settings::UrlError;
use crate::sql::error_class::{Meaning, NO_DATABASE, class_of, meaning};

/// Why the database did not do what was asked.
#[derive(Debug, Error)]
pub enum DbError {
    /// The URL is refused. It may hold a password and is not shown.
    #[error("the database URL cannot be used: {0}")]
    Url(#[from] UrlError),
    /// The certificate authorities cannot be read.
    #[error("cannot read the certificate authorities {} (database.ca_file or sslrootcert)", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Certificate authorities are given and the mode of TLS checks no certificate.
    #[error(
        "database.ca_file or sslrootcert has no effect with sslmode={mode}: expected verify-full, verify-ca or require"
    )]
    CaFileUnused {
        /// The mode of the URL.
        mode: &'static str,
    },
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
        /// Error of the system.
        source: io::Error,
    },
    /// A new SQLite file cannot be made.
    #[error("cannot make the database {}", path.display())]
    NewFile {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Another process makes the same new SQLite file.
    #[error("another weir seed is filling {}", path.display())]
    InTheMaking {
        /// The file.
        path: PathBuf,
    },
    /// The database refuses for now, as its class says: the same call may succeed later.
    #[error("the database is unavailable ({condition}): {0}", condition = class_of(.0).condition)]
    Unavailable(DbErr),
    /// A batch that was made for a load into the other kind of database.
    #[error("these posts were made ready for another database")]
    OtherDatabase,
    /// The database refuses the data of this statement, and would again.
    #[error("the database refuses the data: {0}")]
    Data(DbErr),
    /// Anything else, such as a mistake in a statement.
    #[error("the database failed: {0}")]
    Other(DbErr),
}

impl DbError {
    /// The meaning of the error.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable(error) | Self::Data(error) | Self::Other(error) => class_of(error),
            _ => ErrorClass::fault("refused settings"),
        }
    }

    /// Returns whether Postgres says that there is no such database.
    pub(super) fn is_no_database(&self) -> bool {
        matches!(self, Self::Unavailable(error) if class_of(error) == NO_DATABASE)
    }

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
        match meaning(&error) {
            Meaning::Class(class) if class.is_retryable() => Self::Unavailable(error),
            Meaning::Class(_) => Self::Other(error),
            Meaning::Data => Self::Data(error),
        }
    }
}
