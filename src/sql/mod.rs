//! Writing to a SQL database so that nothing counts as written unless the database has committed it.
//!
//! SQLite ends a transaction by itself after some errors (a full disk, a failed write, a file size limit, no memory, a
//! trigger that rolls back), of which the client library learns nothing: what follows would be written without a
//! transaction, or into one that is never committed. Everything that writes therefore goes through a [`SqlWriter`]. It
//! counts SQLite's own commits and rollbacks, and closes a connection that is given back in the midst of a transaction.

pub(crate) mod error_class;
mod pool;
mod servers;
mod sqlite;
#[cfg(test)]
mod tests;
mod transaction;
mod writer;

pub(crate) use self::pool::FORGET_STATEMENTS;
pub use self::pool::Pool;
pub(crate) use self::servers::Servers;
pub(crate) use self::sqlite::{DISK_FULL, SqliteWatch, sqlite_class};
pub(crate) use self::transaction::SqliteTransaction;
pub use self::transaction::WriteTransaction;
pub(crate) use self::writer::SqlWriter;
