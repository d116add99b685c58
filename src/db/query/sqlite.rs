use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::TryStreamExt;
use sea_orm::{
    SqlxError,
    sqlx::{
        AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, SqlSafeStr,
        SqliteConnection, Statement, TypeInfo, ValueRef, query as statement, sqlite::SqliteRow,
    },
};
use serde_json::Value;

use super::{Gathered, QueryAnswer, QueryError, QueryLimits, statement::is_single};
use crate::db::sqlite::options_of;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Virtual machine instructions between two looks at the clock, some tens of microseconds.
const INSTRUCTIONS_PER_LOOK: i32 = 10_000;
/// <https://www.sqlite.org/rescode.html#interrupt>
const INTERRUPT: &str = "9";

pub(super) async fn query(
    url: &str,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    if !is_single(sql) {
        return Err(QueryError::SeveralStatements);
    }
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(QueryError::InMemory);
    }
    let mut connection = options_of(url)
        .map_err(QueryError::Database)?
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("query_only", "on")
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
        .connect()
        .await?;
    let _ended = interrupt_at(&mut connection, limits.time).await?;
    let answer = gather(&mut connection, sql, limits).await;
    connection.close().await?;
    answer.map_err(|error| match error {
        SqlxError::Database(error) if error.code().as_deref() == Some(INTERRUPT) => {
            QueryError::TimedOut {
                limit_ms: limits.time.as_millis(),
            }
        }
        error => error.into(),
    })
}

async fn gather(
    connection: &mut SqliteConnection,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, SqlxError> {
    let sql = || AssertSqlSafe(sql.to_owned());
    let prepared = connection.prepare(sql().into_sql_str()).await?;
    let columns = prepared
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let mut rows = statement(sql()).fetch(connection);
    let mut gathered = Gathered::new(limits);
    while let Some(row) = rows.try_next().await? {
        if !gathered.take(values(&row)?) {
            break;
        }
    }
    Ok(gathered.answer(columns))
}

/// Interrupts what the connection does after `time`, or when the guard is dropped because the caller went away.
async fn interrupt_at(
    connection: &mut SqliteConnection,
    time: Duration,
) -> Result<Ended, SqlxError> {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    let began = Instant::now();
    let goes_on = move || began.elapsed() < time && !seen.load(Ordering::Relaxed);
    connection
        .lock_handle()
        .await?
        .set_progress_handler(INSTRUCTIONS_PER_LOOK, goes_on);
    Ok(Ended(ended))
}

struct Ended(Arc<AtomicBool>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn values(row: &SqliteRow) -> Result<Vec<Value>, SqlxError> {
    (0..row.len()).map(|column| value(row, column)).collect()
}

fn value(row: &SqliteRow, column: usize) -> Result<Value, SqlxError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(column)?.into(),
        "REAL" => row.try_get_unchecked::<f64, _>(column)?.into(),
        "BLOB" => hex(row.try_get_unchecked(column)?).into(),
        _ => row.try_get_unchecked::<String, _>(column)?.into(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
