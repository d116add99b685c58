use sea_orm::{DbErr, SqlxError};
use thiserror::Error;

use crate::db::DbError;

/// Classes of SQLSTATE that are no fault of a query: lost connection, conflict, too many connections, lock timeout, stop of
/// the server. A missing table, a missing right and an attempt to write are.
const OF_THE_SERVER: [&str; 6] = ["08", "40", "53300", "55P03", "57P", "58"];

/// Why a query has no answer.
#[derive(Debug, Error)]
pub enum QueryError {
    /// It is something other than a SELECT.
    #[error("expected a SELECT")]
    NotSelect,
    /// A statement follows the first.
    #[error("expected one statement")]
    SeveralStatements,
    /// On Postgres a role must limit what a query may read.
    #[error(
        "queries of a Postgres database need database.query_url, with a role that may read the posts and nothing else"
    )]
    NoQueryUrl,
    /// Nobody else can open a database in memory.
    #[error("a SQLite database in memory cannot be queried")]
    InMemory,
    /// It took longer than allowed.
    #[error("the query took longer than {limit_ms} ms")]
    TimedOut {
        /// The limit.
        limit_ms: u128,
    },
    /// The database refuses it: a mistake, an unknown table, a write, something the role may not read.
    #[error("the database refuses the query: {0}")]
    Refused(DbErr),
    /// The database failed or is away.
    #[error(transparent)]
    Database(DbError),
}

impl From<SqlxError> for QueryError {
    fn from(error: SqlxError) -> Self {
        let is_querys_own = match &error {
            SqlxError::Database(error) => {
                let code = error.code().unwrap_or_default();
                !OF_THE_SERVER.iter().any(|class| code.starts_with(class))
            }
            _ => false,
        };
        match DbError::from(error) {
            DbError::Unavailable(error) | DbError::Other(error) | DbError::Data(error)
                if is_querys_own =>
            {
                Self::Refused(error)
            }
            error => Self::Database(error),
        }
    }
}
