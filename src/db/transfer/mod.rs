//! Every table of one database into another, SQLite or Postgres.

mod checksum;
mod ends;
mod kind;
mod rows;
mod table;
mod write;

use thiserror::Error;
use tokio::sync::mpsc;

pub use self::checksum::Checksum;
use self::{
    checksum::Tally,
    rows::Row,
    table::Table,
    write::{continue_numbers, write},
};
use super::{Database, DbError, raw_transaction::RawTransaction};
use crate::settings::DatabaseSettings;

/// Batches of rows on their way.
const QUEUE: usize = 2;

/// Why tables were not copied. Nothing of them was.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "each message explains its variant")]
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

/// A table that both databases now hold alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// Its name.
    pub table: String,
    /// Rows of it in either database.
    pub rows: u64,
    /// Those of them that were written now.
    pub written: u64,
    /// Of all rows, the same in both.
    pub checksum: Checksum,
}

/// Copies every table but those that are derived, rows in the order of their keys, keys as they are, into a database that it migrates first, all in one
/// transaction.
///
/// A table of the target may already hold the first rows, as after an earlier run; it gets the rest. Rows that the source
/// does not have are an error. Afterwards each table is read again, and its rows and their checksum are compared before
/// anything is committed. `said` hears of each table, how many of its rows were read so far, and of how many.
pub async fn transfer(
    from: &DatabaseSettings,
    to: &Database,
    mut said: impl FnMut(&str, u64, u64),
) -> Result<Vec<Transferred>, TransferError> {
    let mut source = ends::open_source(from).await?;
    ends::require_two(from, &mut source, to).await?;
    to.migrate().await?;
    let mut target = RawTransaction::begin(to).await?;
    let mut transferred = Vec::new();
    for table in Table::all(&mut source).await? {
        let table = prepare(&mut target, table).await?;
        transferred.push(copy(&mut source, &mut target, &table, &mut said).await?);
    }
    target.commit().await?;
    Ok(transferred)
}

/// Makes the table where it is missing, and answers it with the kinds of columns that both agree on.
async fn prepare(target: &mut RawTransaction, mut table: Table) -> Result<Table, TransferError> {
    let known = Table::read(target, &table.name).await?;
    if known.columns.is_empty() {
        target.alter(&table.create(target.backend())).await?;
        return Ok(table);
    }
    for column in &mut table.columns {
        let other = known.columns.iter().find(|other| other.name == column.name);
        let other = other.ok_or_else(|| TransferError::NoColumn {
            table: known.name.clone(),
            column: column.name.clone(),
        })?;
        column.kind = column.kind.agreed(other.kind);
    }
    Ok(table)
}

async fn copy(
    source: &mut RawTransaction,
    target: &mut RawTransaction,
    table: &Table,
    said: &mut impl FnMut(&str, u64, u64),
) -> Result<Transferred, TransferError> {
    let all_rows = source.count(&table.name).await?;
    let before = tally(target, table).await?;
    let (rows_before, checksum_before) = (before.rows, before.checksum());
    let indexes = match rows_before {
        0 => target.drop_indexes(&table.name).await?,
        _ => Vec::new(),
    };
    let differs = || TransferError::OtherRows {
        table: table.name.clone(),
        rows: rows_before,
    };
    let (sender, mut batches) = mpsc::channel::<Vec<Row>>(QUEUE);
    let mut read = Tally::new(table);
    let filling = async {
        while let Some(batch) = batches.recv().await {
            let mut new = Vec::with_capacity(batch.len());
            for row in batch {
                if read.rows == rows_before && read.checksum() != checksum_before && rows_before > 0
                {
                    return Err(differs());
                }
                read.add(&row)?;
                if read.rows > rows_before {
                    new.push(row);
                }
            }
            write(target, table, &new).await?;
            said(&table.name, read.rows, all_rows);
        }
        Ok(())
    };
    tokio::try_join!(rows::read(source, table, sender), filling)?;
    if read.rows < rows_before || read.rows == rows_before && read.checksum() != checksum_before {
        return Err(differs());
    }
    for index in indexes {
        target.alter(&index).await?;
    }
    continue_numbers(target, table).await?;
    verify(target, table, &read).await?;
    Ok(Transferred {
        table: table.name.clone(),
        rows: read.rows,
        written: read.rows - rows_before,
        checksum: read.checksum(),
    })
}

async fn verify(
    target: &mut RawTransaction,
    table: &Table,
    read: &Tally<'_>,
) -> Result<(), TransferError> {
    let now = tally(target, table).await?;
    if now.rows == read.rows && now.checksum() == read.checksum() {
        return Ok(());
    }
    Err(TransferError::Unequal {
        table: table.name.clone(),
        read: read.rows,
        written: now.rows,
    })
}

/// All rows that are there.
async fn tally<'t>(
    database: &mut RawTransaction,
    table: &'t Table,
) -> Result<Tally<'t>, TransferError> {
    let (sender, mut batches) = mpsc::channel::<Vec<Row>>(QUEUE);
    let mut tally = Tally::new(table);
    let adding = async {
        while let Some(batch) = batches.recv().await {
            for row in batch {
                tally.add(&row)?;
            }
        }
        Ok::<_, TransferError>(())
    };
    tokio::try_join!(rows::read(database, table, sender), adding)?;
    Ok(tally)
}
