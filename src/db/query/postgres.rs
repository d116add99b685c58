use futures_util::TryStreamExt;
use sea_orm::{
    SqlxError,
    sqlx::{
        AssertSqlSafe, Column, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement,
        TypeInfo, ValueRef, postgres::PgRow, query as statement, raw_sql,
    },
};
use serde_json::Value;
use tokio::time::timeout;

use super::{Gathered, QueryAnswer, QueryError, QueryLimits};
use crate::db::postgres::servers;
use crate::settings::{ConnectionUrl, DatabaseSettings, Pooler};
use crate::sql::FORGET_STATEMENTS;

/// Rows of one FETCH.
const ROWS_AT_ONCE: usize = 200;
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>, `query_canceled`.
const CANCELED: &str = "57014";

pub(super) async fn query(
    url: &ConnectionUrl,
    sql: &str,
    limits: QueryLimits,
    settings: &DatabaseSettings,
) -> Result<QueryAnswer, QueryError> {
    let mut servers = servers(url, settings, "weir query").map_err(QueryError::Database)?;
    let limit_ms = limits.time.as_millis();
    let mut begin = "BEGIN READ ONLY".to_owned();
    match settings.pooler {
        Pooler::None => {
            servers = servers.with_options(&[
                ("statement_timeout", limit_ms.to_string()),
                ("default_transaction_read_only", "on".to_owned()),
            ]);
        }
        Pooler::Transaction => {
            begin = format!(
                "BEGIN READ ONLY; {FORGET_STATEMENTS}; SET LOCAL statement_timeout = {limit_ms}"
            );
        }
    }
    let connecting = servers.connect(settings.connect_timeout()).await;
    let mut connection = connecting.map_err(|error| QueryError::Database(error.into()))?;
    let timed_out = || QueryError::TimedOut { limit_ms };
    // The server's limit is for each statement, this one for all of them.
    let answer = timeout(limits.time, gather(&mut connection, begin, sql, limits))
        .await
        .map_err(|_| timed_out())?;
    let answer = answer.map_err(|error| match error {
        SqlxError::Database(error) if error.code().as_deref() == Some(CANCELED) => timed_out(),
        error => error.into(),
    });
    connection.close().await?;
    answer
}

/// Through a cursor, which takes one SELECT that writes nothing, and of which little more is fetched than is answered: a
/// row past the limits ends the reading, however large those behind it are.
async fn gather(
    connection: &mut PgConnection,
    begin: String,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, SqlxError> {
    connection.execute(AssertSqlSafe(begin)).await?;
    let prepared = connection
        .prepare(AssertSqlSafe(sql.to_owned()).into_sql_str())
        .await?;
    let columns = prepared
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let declare = AssertSqlSafe(format!("DECLARE answer NO SCROLL CURSOR FOR {sql}"));
    statement(declare).execute(&mut *connection).await?;
    let fetch = format!("FETCH {ROWS_AT_ONCE} FROM answer");
    let mut gathered = Gathered::new(limits);
    loop {
        // Unprepared, so that every type comes as the text that Postgres writes for it.
        let mut rows = raw_sql(AssertSqlSafe(fetch.clone())).fetch(&mut *connection);
        let mut fetched = 0;
        while let Some(row) = rows.try_next().await? {
            fetched += 1;
            if !gathered.take(values(&row)?) {
                return Ok(gathered.answer(columns));
            }
        }
        if fetched < ROWS_AT_ONCE {
            return Ok(gathered.answer(columns));
        }
    }
}

fn values(row: &PgRow) -> Result<Vec<Value>, SqlxError> {
    (0..row.len()).map(|column| value(row, column)).collect()
}

fn value(row: &PgRow, column: usize) -> Result<Value, SqlxError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    let text = raw.as_str().map_err(SqlxError::Decode)?;
    let parsed = match kind.name() {
        "BOOL" => Some(Value::Bool(text == "t")),
        "INT2" | "INT4" | "INT8" | "OID" => text.parse::<i64>().ok().map(Value::from),
        "FLOAT4" | "FLOAT8" => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
        "JSON" | "JSONB" => serde_json::from_str(text).ok(),
        _ => None,
    };
    Ok(parsed.unwrap_or_else(|| Value::from(text)))
}
