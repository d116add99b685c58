//! The table of what databases answer: the meaning of every SQLSTATE of Postgres and every result code of SQLite.
//!
//! A class says whether the same request may succeed later, what `/health/ready` says meanwhile, and whether the connection is
//! of any use. Answers over HTTP, retries of jobs, log lines and the pool all go by it.

use std::io;

use sea_orm::{DbErr, RuntimeErr, SqlxError};

use super::sqlite_class;
use crate::outage::ErrorClass;

/// Meaning of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The database refuses a row, and would again. Other rows are not concerned.
    Data,
    /// Anything else.
    Class(ErrorClass),
}

/// The pooler gave the connection to another client between two steps that belong together.
pub(crate) const POOLER: ErrorClass = ErrorClass::needs_operator(
    "a pooler in transaction mode stands between Weir and Postgres: set database.pooler = \"transaction\"",
);
/// Postgres has no database of this name.
pub(crate) const NO_DATABASE: ErrorClass =
    ErrorClass::needs_operator("the database does not exist (database.create makes it)");
/// The pool has none to give, perhaps because none can be made.
pub(crate) const NO_CONNECTION: ErrorClass =
    ErrorClass::passing("no connection within database.connect_timeout");
const TLS_FAILED: ErrorClass = ErrorClass::needs_operator("TLS failed");
const LOST: ErrorClass = ErrorClass::wrong_server("connection lost");
const READ_ONLY: ErrorClass = ErrorClass::wrong_server("read-only (failover?)");
const SHUT_DOWN: ErrorClass = ErrorClass::wrong_server("shutting down");
const STARTING: ErrorClass = ErrorClass::wrong_server("starting up or recovering");
/// Two transactions got in each other's way, which says nothing of the server.
const CONFLICT: ErrorClass = ErrorClass::passing("conflict of transactions");
const LOCK_TIMEOUT: ErrorClass = ErrorClass::passing("lock timeout");
const SCHEMA: ErrorClass = ErrorClass::needs_operator("a table, column or type is missing");

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: whole codes before their classes. Codes in no row are
/// faults of the statement.
const SQLSTATES: &[(&str, Meaning)] = &[
    ("08", Meaning::Class(LOST)),
    (
        "0P",
        Meaning::Class(ErrorClass::needs_operator("role refused")),
    ),
    ("22", Meaning::Data),
    ("23", Meaning::Data),
    ("25006", Meaning::Class(READ_ONLY)),
    // The server has ended the connection: idle in transaction, transaction too long.
    ("25P03", Meaning::Class(LOST)),
    ("25P04", Meaning::Class(LOST)),
    ("26000", Meaning::Class(POOLER)),
    (
        "28",
        Meaning::Class(ErrorClass::needs_operator("credentials refused")),
    ),
    ("3D000", Meaning::Class(NO_DATABASE)),
    (
        "3F000",
        Meaning::Class(ErrorClass::needs_operator("the schema does not exist")),
    ),
    ("40", Meaning::Class(CONFLICT)),
    (
        "42501",
        Meaning::Class(ErrorClass::needs_operator("permission denied")),
    ),
    ("42P01", Meaning::Class(SCHEMA)),
    ("42703", Meaning::Class(SCHEMA)),
    ("42704", Meaning::Class(SCHEMA)),
    ("42P05", Meaning::Class(POOLER)),
    ("44", Meaning::Data),
    ("53100", Meaning::Class(ErrorClass::passing("disk full"))),
    (
        "53200",
        Meaning::Class(ErrorClass::passing("out of memory")),
    ),
    (
        "53300",
        Meaning::Class(ErrorClass::passing("too many connections")),
    ),
    (
        "53",
        Meaning::Class(ErrorClass::passing("out of resources")),
    ),
    ("54", Meaning::Data),
    (
        "55000",
        Meaning::Class(ErrorClass::needs_operator("not in a state for that")),
    ),
    ("55P03", Meaning::Class(LOCK_TIMEOUT)),
    (
        "55P02",
        Meaning::Class(ErrorClass::needs_operator("parameter refused")),
    ),
    ("55006", Meaning::Class(ErrorClass::passing("in use"))),
    (
        "57014",
        Meaning::Class(ErrorClass::passing("statement timeout or cancel")),
    ),
    ("57P01", Meaning::Class(SHUT_DOWN)),
    ("57P02", Meaning::Class(SHUT_DOWN)),
    ("57P03", Meaning::Class(STARTING)),
    (
        "57P04",
        Meaning::Class(ErrorClass::needs_operator("the database was dropped")),
    ),
    ("57", Meaning::Class(LOST)),
    (
        "58",
        Meaning::Class(ErrorClass::passing("I/O error of the server")),
    ),
    (
        "72",
        Meaning::Class(ErrorClass::passing("snapshot too old")),
    ),
    (
        "F0",
        Meaning::Class(ErrorClass::needs_operator(
            "configuration file of the server",
        )),
    ),
    // Raised by a trigger of somebody's, which looks at rows.
    ("P0001", Meaning::Data),
    (
        "XX000",
        Meaning::Class(ErrorClass::passing("internal error of the server")),
    ),
    (
        "XX",
        Meaning::Class(ErrorClass::needs_operator("data corrupted")),
    ),
];

/// Returns whether an error of this class says something of the server, not only of the transaction that met it.
pub(crate) fn concerns_server(class: ErrorClass) -> bool {
    class != CONFLICT && class != LOCK_TIMEOUT
}

/// Class of an error, a fault if it is about data.
pub(crate) fn class_of(error: &DbErr) -> ErrorClass {
    match meaning(error) {
        Meaning::Class(class) => class,
        Meaning::Data => ErrorClass::fault("data refused"),
    }
}

pub(crate) fn meaning(error: &DbErr) -> Meaning {
    match error {
        DbErr::ConnectionAcquire(_) => Meaning::Class(NO_CONNECTION),
        DbErr::Conn(RuntimeErr::Internal(_)) => {
            Meaning::Class(ErrorClass::passing("transaction interrupted"))
        }
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => meaning_of_sqlx(error),
        _ => Meaning::Class(ErrorClass::fault("unexpected error")),
    }
}

fn meaning_of_sqlx(error: &SqlxError) -> Meaning {
    Meaning::Class(match error {
        SqlxError::Database(error) => {
            let code = error.code().unwrap_or_default();
            return match error.try_downcast_ref::<sea_orm::SqlxPostgresError>() {
                Some(error) => meaning_of_postgres(&code, error.message()),
                None => meaning_of_sqlite(code.parse().unwrap_or_default()),
            };
        }
        SqlxError::Encode(_) => return Meaning::Data,
        SqlxError::Tls(_) => TLS_FAILED,
        SqlxError::Io(error) if is_of_tls(error) => TLS_FAILED,
        SqlxError::Io(_) => ErrorClass::wrong_server("unreachable"),
        SqlxError::Configuration(_) => ErrorClass::needs_operator("connection settings refused"),
        SqlxError::Protocol(_) | SqlxError::BeginFailed | SqlxError::WorkerCrashed => LOST,
        SqlxError::PoolTimedOut | SqlxError::PoolClosed => NO_CONNECTION,
        _ => ErrorClass::fault("unexpected answer"),
    })
}

/// The driver passes on what rustls says of a certificate as an error of the socket.
fn is_of_tls(error: &io::Error) -> bool {
    let Some(cause) = error.get_ref() else {
        return false;
    };
    cause.is::<rustls::Error>()
}

fn meaning_of_postgres(code: &str, message: &str) -> Meaning {
    match code {
        // Of PgBouncer: startup parameters that it does not track; values bound to a statement of another client.
        "08P01" if message.contains("startup parameter") || message.contains("bind message") => {
            Meaning::Class(POOLER)
        }
        // Statements that the connection has prepared are of no use once the columns of a table have changed.
        "0A000" if message.contains("cached plan") => {
            Meaning::Class(ErrorClass::wrong_server("the schema has changed"))
        }
        _ => meaning_of_sqlstate(code),
    }
}

fn meaning_of_sqlstate(code: &str) -> Meaning {
    let row = SQLSTATES
        .iter()
        .find(|(prefix, _)| code.starts_with(prefix));
    row.map_or(
        Meaning::Class(ErrorClass::fault("statement refused")),
        |(_, meaning)| *meaning,
    )
}

fn meaning_of_sqlite(code: i32) -> Meaning {
    match sqlite_class(code) {
        Some(class) => Meaning::Class(class),
        // TOOBIG, CONSTRAINT, MISMATCH.
        None if matches!(code & 0xff, 18..=20) => Meaning::Data,
        None => Meaning::Class(ErrorClass::fault("statement refused")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str) -> ErrorClass {
        match meaning_of_sqlstate(code) {
            Meaning::Class(class) => class,
            Meaning::Data => panic!("{code} is about data"),
        }
    }

    #[test]
    fn no_row_hides_another() {
        for (nth, (prefix, _)) in SQLSTATES.iter().enumerate() {
            let before = SQLSTATES[..nth]
                .iter()
                .find(|(other, _)| prefix.starts_with(other));
            assert_eq!(before, None, "{prefix}");
        }
    }

    #[test]
    fn a_failover_and_a_stop_of_the_server_drop_the_connection() {
        for code in [
            "25006", "57P01", "57P02", "57P03", "57P05", "08006", "25P03", "28P01",
        ] {
            assert!(
                class(code).reconnect && class(code).is_retryable(),
                "{code}"
            );
        }
    }

    #[test]
    fn mistakes_in_statements_are_faults() {
        for code in [
            "42601", "42883", "0A000", "25P02", "21000", "P0000", "99999", "",
        ] {
            assert!(!class(code).is_retryable(), "{code}");
        }
    }

    #[test]
    fn extended_codes_of_sqlite_mean_what_their_primary_code_means() {
        let full = Meaning::Class(ErrorClass::passing("disk full"));
        assert_eq!(meaning_of_sqlite(13), full);
        // SQLITE_IOERR_WRITE, SQLITE_CONSTRAINT_UNIQUE
        assert_eq!(meaning_of_sqlite(778), meaning_of_sqlite(10));
        assert_eq!(meaning_of_sqlite(2067), Meaning::Data);
    }
}
