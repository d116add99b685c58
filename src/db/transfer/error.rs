use thiserror::Error;

use super::DbError;

/// Why tables were not copied. Nothing of them was.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "each says itself")]
pub enum TransferError {
    #[error("the target's table {table} has no column {column}")]
    NoColumn { table: String, column: String },
    #[error("row {row} of the table {table} cannot be copied: its {column} is no {expected}")]
    Value {
        table: String,
        column: String,
        row: u64,
        expected: &'static str,
    },
    #[error(
        "the target's table {table} holds {rows} rows that are not the first of the source: empty it, or choose another database"
    )]
    OtherRows { table: String, rows: u64 },
    #[error("the copy of the table {table} is not like it, {read} rows read and {written} written")]
    Unequal {
        table: String,
        read: u64,
        written: u64,
    },
    #[error("the source and the target are the same database")]
    OneDatabase,
    #[error(transparent)]
    Database(#[from] DbError),
}
