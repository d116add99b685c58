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

use super::{Gathered, QueryAnswer, QueryError, QueryLimits, check_names, statement::is_single};
use crate::db::connection::sqlite::options_of;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Virtual machine instructions between two looks at the clock, some tens of microseconds.
const INSTRUCTIONS_PER_LOOK: i32 = 10_000;
/// <https://www.sqlite.org/rescode.html#interrupt>
const INTERRUPT: &str = "9";
/// <https://www.sqlite.org/rescode.html#nomem>
const NOMEM: &str = "7";

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
    answer
}

fn meaning(error: SqlxError, limits: QueryLimits) -> QueryError {
    let code = match &error {
        SqlxError::Database(error) => error.code().map(std::borrow::Cow::into_owned),
        _ => None,
    };
    match code.as_deref() {
        Some(INTERRUPT) => QueryError::TimedOut {
            limit_ms: limits.time.as_millis(),
        },
        Some(NOMEM) => QueryError::OutOfMemory,
        _ => error.into(),
    }
}

async fn gather(
    connection: &mut SqliteConnection,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    let failed = |error| meaning(error, limits);
    let sql = || AssertSqlSafe(sql.to_owned());
    let prepared = connection.prepare(sql().into_sql_str()).await;
    let columns: Vec<String> = prepared
        .map_err(failed)?
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    check_names(&columns, limits)?;
    let mut rows = statement(sql()).fetch(connection);
    let mut gathered = Gathered::new(limits);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        match values(&row, limits)? {
            None => gathered.truncate(),
            Some(row) => gathered.take(row),
        }
        if gathered.truncated {
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

/// Returns the values of a row, or `None` if it is longer than the answer may be: it is not copied then.
fn values(row: &SqliteRow, limits: QueryLimits) -> Result<Option<Vec<Value>>, QueryError> {
    let mut bytes = 0;
    for column in 0..row.len() {
        let raw = row.try_get_raw(column)?;
        if matches!(raw.type_info().name(), "TEXT" | "BLOB") {
            bytes += row.try_get_unchecked::<&[u8], _>(column)?.len();
        }
    }
    if bytes > limits.bytes {
        return Ok(None);
    }
    let values = (0..row.len()).map(|column| value(row, column));
    values.collect::<Result<_, _>>().map(Some)
}

fn value(row: &SqliteRow, column: usize) -> Result<Value, QueryError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" => row.try_get_unchecked::<i64, _>(column)?.into(),
        "REAL" => row.try_get_unchecked::<f64, _>(column)?.into(),
        "BLOB" => hex(row.try_get_unchecked(column)?).into(),
        _ => {
            let bytes = row.try_get_unchecked::<&[u8], _>(column)?;
            let text = str::from_utf8(bytes).map_err(|_| QueryError::InvalidText { column })?;
            text.into()
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
