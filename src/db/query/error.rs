use sea_orm::{DbErr, SqlxError};
use thiserror::Error;

use crate::db::DbError;

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
        let by_server = matches!(error, SqlxError::Database(_));
        match DbError::from(error) {
            DbError::Other(error) | DbError::Data(error) if by_server => Self::Refused(error),
            error => Self::Database(error),
        }
    }
}
