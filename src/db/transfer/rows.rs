//! Rows of a table, read in order from either database.

use futures_util::TryStreamExt;
use sea_orm::{
    DbBackend, SqlxError,
    sqlx::{
        AssertSqlSafe, PgConnection, Row as _, SqliteConnection, TypeInfo, ValueRef, query,
        sqlite::SqliteRow,
    },
};
use tokio::sync::mpsc;

use super::{TransferError, table::Table};
use crate::db::{DbError, raw_transaction::RawTransaction, sql_text::fields};

/// Rows that go from hand to hand together.
const BATCH: usize = 1_000;

/// A value as text for each column, `None` for null.
pub(super) type Row = Vec<Option<String>>;

/// Sends every row, each value in the form of its kind; ends early when nobody takes them.
pub(super) async fn read(
    database: &mut RawTransaction,
    table: &Table,
    batches: mpsc::Sender<Vec<Row>>,
) -> Result<(), TransferError> {
    let mut sender = Sender {
        table,
        batches,
        batch: Vec::with_capacity(BATCH),
        rows: 0,
    };
    match database {
        RawTransaction::Sqlite(connection) => read_sqlite(connection, table, &mut sender).await?,
        RawTransaction::Postgres(connection) => {
            read_postgres(connection, table, &mut sender).await?;
        }
    }
    sender.send().await;
    Ok(())
}

struct Sender<'t> {
    table: &'t Table,
    batches: mpsc::Sender<Vec<Row>>,
    batch: Vec<Row>,
    rows: u64,
}

impl Sender<'_> {
    /// Takes a row; `false` when nobody takes more.
    async fn take(&mut self, mut row: Row) -> Result<bool, TransferError> {
        self.rows += 1;
        for (value, column) in row.iter_mut().zip(&self.table.columns) {
            if let Some(text) = value.take() {
                let form = column.kind.form(text);
                *value = Some(form.ok_or_else(|| TransferError::Value {
                    table: self.table.name.clone(),
                    column: column.name.clone(),
                    row: self.rows,
                    expected: column.kind.name(),
                })?);
            }
        }
        self.batch.push(row);
        Ok(self.batch.len() < BATCH || self.send().await)
    }

    async fn send(&mut self) -> bool {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.batches.send(batch).await.is_ok()
    }
}

async fn read_sqlite(
    connection: &mut SqliteConnection,
    table: &Table,
    sender: &mut Sender<'_>,
) -> Result<(), TransferError> {
    let sql = table.query(DbBackend::Sqlite);
    let mut rows = query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
        let values = (0..row.len()).map(|column| sqlite_value(&row, column));
        let values = values.collect::<Result<_, _>>().map_err(DbError::from)?;
        if !sender.take(values).await? {
            break;
        }
    }
    Ok(())
}

/// By the class it is stored in, which need not be that of its column.
fn sqlite_value(row: &SqliteRow, column: usize) -> Result<Option<String>, SqlxError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(None);
    }
    let class = raw.type_info();
    Ok(Some(match class.name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(column)?.to_string(),
        "REAL" => format!("{:?}", row.try_get_unchecked::<f64, _>(column)?),
        "BLOB" => hex(row.try_get_unchecked(column)?),
        _ => row.try_get_unchecked(column)?,
    }))
}

/// Bytes as Postgres writes them.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

async fn read_postgres(
    connection: &mut PgConnection,
    table: &Table,
    sender: &mut Sender<'_>,
) -> Result<(), TransferError> {
    let sql = format!("COPY ({}) TO STDOUT", table.query(DbBackend::Postgres));
    let mut stream = connection.copy_out_raw(&sql).await.map_err(DbError::from)?;
    let mut pending = Vec::new();
    while let Some(bytes) = stream.try_next().await.map_err(DbError::from)? {
        pending.extend_from_slice(&bytes);
        let mut start = 0;
        while let Some(length) = pending[start..].iter().position(|&byte| byte == b'\n') {
            let row = String::from_utf8_lossy(&pending[start..start + length]);
            if !sender.take(fields(&row).collect()).await? {
                return Ok(());
            }
            start += length + 1;
        }
        pending.drain(..start);
    }
    Ok(())
}
