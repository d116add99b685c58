use std::io;
use std::process::ExitStatus;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{SqlxError, SqlxPostgresError, sqlx::postgres::PgErrorPosition};
use thiserror::Error;

use super::MOST_MEMORY;
use crate::db::DbError;

/// Classes of SQLSTATE that are no fault of a query: connection lost, conflict, too many connections, lock timeout, stop of the
/// server. A missing table, a missing right and an attempt to write are.
const STATES_OF_THE_SERVER: [&str; 6] = ["08", "40", "53300", "55P03", "57P", "58"];
/// Result codes of SQLite that are no fault of a query: BUSY, LOCKED, IOERR, FULL, CANTOPEN, PROTOCOL.
const CODES_OF_THE_FILE: [u32; 6] = [5, 6, 10, 13, 14, 15];

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
    /// A value of its answer is text in no known encoding.
    #[error(
        "column {} holds text that is not valid UTF-8: select it as bytes, such as hex(column) or cast(column as blob)",
        column + 1
    )]
    InvalidText {
        /// The index of the column.
        column: usize,
    },
    /// It needed more memory than allowed.
    #[error("the query needed more than {} MiB of memory", MOST_MEMORY >> 20)]
    OutOfMemory,
    /// Its process ended without an answer, as it does when it needs too much memory.
    #[error(
        "the query ended its process ({status}), perhaps because it needed more than {} MiB of memory",
        MOST_MEMORY >> 20
    )]
    Crashed {
        /// Exit status of the process.
        status: ExitStatus,
    },
    /// The database refuses it: a mistake, an unknown table, a write, something the role may not read.
    #[error("the database refuses the query: {0}")]
    Refused(String),
    /// No process can be started for it, or spoken to.
    #[error("the query has no process to run in: {0}")]
    Process(io::Error),
    /// The database of its process failed or is unavailable.
    #[error("the database failed: {0}")]
    Unavailable(String),
    /// The database failed or is unavailable.
    #[error(transparent)]
    Database(DbError),
}

impl From<SqlxError> for QueryError {
    fn from(error: SqlxError) -> Self {
        Self::on(error, None)
    }
}

impl QueryError {
    /// The meaning of an error about the statement `sql`, if that is the query as it was given.
    pub(super) fn on(error: SqlxError, sql: Option<&str>) -> Self {
        let refusal = match &error {
            SqlxError::Database(error) if !is_of_the_database(error.as_ref()) => {
                let of_postgres = error.try_downcast_ref::<SqlxPostgresError>();
                let position = of_postgres
                    .zip(sql)
                    .and_then(|(error, sql)| position(error, sql));
                error.message().to_owned() + &position.unwrap_or_default()
            }
            _ => return Self::Database(error.into()),
        };
        Self::Refused(refusal)
    }
}

fn is_of_the_database(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqlxPostgresError>().is_some() {
        return STATES_OF_THE_SERVER
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|code| CODES_OF_THE_FILE.contains(&(code & 0xff)))
}

/// Returns the position in `sql` that Postgres complains about. The line that its error has besides is one of its own source.
fn position(error: &SqlxPostgresError, sql: &str) -> Option<String> {
    let Some(PgErrorPosition::Original(position)) = error.position() else {
        return None;
    };
    let before: String = sql.chars().take(position.checked_sub(1)?).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next()?.chars().count() + 1;
    Some(format!(" (line {line}, column {column} of the query)"))
}
