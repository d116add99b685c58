use std::fmt;

use xxhash_rust::xxh3::Xxh3;

use super::{TransferError, rows::Row, table::Table};

/// Of rows in order: the same in both databases where they hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(u128);

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Counts and sums up rows.
pub(super) struct Tally<'t> {
    table: &'t Table,
    hash: Xxh3,
    pub(super) rows: u64,
}

impl<'t> Tally<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        Self {
            table,
            hash: Xxh3::new(),
            rows: 0,
        }
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<(), TransferError> {
        self.rows += 1;
        for (value, column) in row.iter().zip(&self.table.columns) {
            let Some(value) = value else {
                self.hash.update(&u64::MAX.to_le_bytes());
                continue;
            };
            let essence = column
                .kind
                .essence(value)
                .ok_or_else(|| TransferError::Value {
                    table: self.table.name.clone(),
                    column: column.name.clone(),
                    row: self.rows,
                    expected: column.kind.name(),
                })?;
            self.hash.update(&(essence.len() as u64).to_le_bytes());
            self.hash.update(essence.as_bytes());
        }
        Ok(())
    }

    pub(super) fn checksum(&self) -> Checksum {
        Checksum(self.hash.digest128())
    }
}
