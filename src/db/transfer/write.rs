//! Rows into a table of either database.

use sea_orm::{
    DbBackend,
    sqlx::{AssertSqlSafe, PgConnection, SqliteConnection, query},
};

use super::{kind::Kind, rows::Row, table::Table};
use crate::db::DbError;
use crate::db::raw_transaction::RawTransaction;
use crate::db::sql_text::{CopyText, quoted};

/// Below the 32,766 bound values of a statement of SQLite.
const VALUES_PER_STATEMENT: usize = 2_000;

pub(super) async fn write(
    database: &mut RawTransaction,
    table: &Table,
    rows: &[Row],
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    match database {
        RawTransaction::Sqlite(connection) => insert(connection, table, rows).await,
        RawTransaction::Postgres(connection) => copy(connection, table, rows).await,
    }
}

/// Makes the numbers that the database gives begin after those that are there.
pub(super) async fn continue_numbers(
    database: &mut RawTransaction,
    table: &Table,
) -> Result<(), DbError> {
    let (DbBackend::Postgres, [column]) = (database.backend(), &table.key()[..]) else {
        return Ok(());
    };
    if column.kind != Kind::Integer {
        return Ok(());
    }
    let (name, column) = (quoted(&table.name), &column.name);
    let literal = |text: &str| text.replace('\'', "''");
    database
        .execute(&format!(
            "SELECT setval(sequence, newest) FROM
                (SELECT max({}) AS newest FROM {name}) AS present,
                pg_get_serial_sequence('{}', '{}') AS sequence
            WHERE sequence IS NOT NULL AND newest > 0",
            quoted(column),
            literal(&name),
            literal(column)
        ))
        .await
}

fn columns(table: &Table) -> String {
    let names: Vec<_> = table
        .columns
        .iter()
        .map(|column| quoted(&column.name))
        .collect();
    names.join(", ")
}

async fn copy(connection: &mut PgConnection, table: &Table, rows: &[Row]) -> Result<(), DbError> {
    let mut text = CopyText::default();
    for row in rows {
        for (value, column) in row.iter().zip(&table.columns) {
            match value {
                None => text.null(),
                Some(time) if column.kind == Kind::Time => text.field(&format!("{time}+00")),
                Some(value) => text.field(value),
            }
        }
        text.end_row();
    }
    let sql = format!(
        "COPY {} ({}) FROM STDIN",
        quoted(&table.name),
        columns(table)
    );
    let mut copy = connection.copy_in_raw(&sql).await?;
    copy.send(text.into_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: &[Row],
) -> Result<(), DbError> {
    let width = table.columns.len();
    let marks = format!("({})", vec!["?"; width].join(", "));
    for rows in rows.chunks((VALUES_PER_STATEMENT / width).max(1)) {
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            quoted(&table.name),
            columns(table),
            vec![marks.as_str(); rows.len()].join(", ")
        );
        let mut statement = query(AssertSqlSafe(sql));
        for row in rows {
            for (value, column) in row.iter().zip(&table.columns) {
                let value = value.as_deref();
                // What is no number here is none there either: it was read in the form of its kind.
                statement = match column.kind {
                    Kind::Integer | Kind::Truth => {
                        statement.bind(value.and_then(|text| text.parse::<i64>().ok()))
                    }
                    Kind::Real => statement.bind(value.and_then(|text| text.parse::<f64>().ok())),
                    Kind::Bytes => statement.bind(value.map(bytes)),
                    Kind::Time | Kind::Json | Kind::Text => {
                        statement.bind(value.map(str::to_owned))
                    }
                };
            }
        }
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// What `\x` and hexadecimal digits stand for.
fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.strip_prefix("\\x").unwrap_or(hex).as_bytes();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    digits.chunks(2).filter_map(byte).collect()
}
