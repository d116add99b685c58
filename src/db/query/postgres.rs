use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sea_orm::{
    SqlxError,
    sqlx::{
        AssertSqlSafe, Column, Connection, Executor, PgConnection, Row, SqlSafeStr, Statement,
        TypeInfo, ValueRef,
        postgres::{PgColumn, PgRow},
        query as statement, raw_sql,
    },
};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::statement::end_of_statement;
use super::{Gathered, QueryAnswer, QueryError, QueryLimits, check_names};
use crate::db::connection::postgres::servers;
use crate::settings::{ConnectionUrl, DatabaseSettings, Pooler};
use crate::sql::{FORGET_STATEMENTS, Servers};

/// Rows of one FETCH.
const ROWS_AT_ONCE: usize = 200;
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>, `query_canceled`.
const CANCELED: &str = "57014";
/// Longest time to end the process of an abandoned query.
const END_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn query(
    url: &ConnectionUrl,
    sql: &str,
    limits: QueryLimits,
    settings: &DatabaseSettings,
) -> Result<QueryAnswer, QueryError> {
    let servers = servers(url, settings, "weir query").map_err(QueryError::Database)?;
    let connecting = servers.connect(settings.connect_timeout).await;
    let mut connection = connecting.map_err(|error| QueryError::Database(error.into()))?;
    let begin = match settings.pooler {
        Pooler::None => "BEGIN READ ONLY; SAVEPOINT begun".to_owned(),
        Pooler::Transaction => format!("BEGIN READ ONLY; {FORGET_STATEMENTS}; SAVEPOINT begun"),
    };
    let query = run(&mut connection, begin, servers, sql, limits);
    let answer = timeout(limits.time, query).await;
    let answer = answer.unwrap_or(Err(timed_out(limits)));
    connection.close().await?;
    answer
}

fn timed_out(limits: QueryLimits) -> QueryError {
    QueryError::TimedOut {
        limit_ms: limits.time.as_millis(),
    }
}

/// Runs the query in a transaction that is rolled back, and with it what the query has set.
async fn run(
    connection: &mut PgConnection,
    begin: String,
    servers: Servers,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    connection.execute(AssertSqlSafe(begin)).await?;
    let backend = Backend::new(connection, servers).await?;
    let mut clock = Clock::start(limits.time);
    let answer = gather(connection, &mut clock, sql, limits).await;
    // Locks of the session would outlive the transaction.
    let end = "ROLLBACK TO begun; SELECT pg_catalog.pg_advisory_unlock_all(); ROLLBACK";
    connection.execute(end).await?;
    backend.release();
    answer
}

/// Reads through a cursor, which takes one SELECT that writes nothing, and of which little more is fetched than is answered:
/// a row past the limits ends the reading, however large those behind it are.
async fn gather(
    connection: &mut PgConnection,
    clock: &mut Clock,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    let failed = |error, sql| match &error {
        SqlxError::Database(error) if error.code().as_deref() == Some(CANCELED) => {
            timed_out(limits)
        }
        _ => QueryError::on(error, sql),
    };
    clock.set(connection).await?;
    let prepared = connection
        .prepare(AssertSqlSafe(sql.to_owned()).into_sql_str())
        .await
        .map_err(|error| failed(error, Some(sql)))?;
    let columns = prepared.columns();
    let names: Vec<String> = columns
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    check_names(&names, limits)?;
    let declare = format!(
        "DECLARE answer NO SCROLL CURSOR FOR {}",
        bounded(sql, columns, limits.bytes)
    );
    statement(AssertSqlSafe(declare))
        .persistent(false)
        .execute(&mut *connection)
        .await
        .map_err(|error| failed(error, None))?;
    let fetch = format!("FETCH {ROWS_AT_ONCE} FROM answer");
    let mut gathered = Gathered::new(limits);
    loop {
        clock.set(connection).await?;
        // Unprepared, so that every type comes as the text that Postgres writes for it.
        let mut rows = raw_sql(AssertSqlSafe(fetch.clone())).fetch(&mut *connection);
        let mut fetched = 0;
        while let Some(row) = rows.try_next().await.map_err(|error| failed(error, None))? {
            fetched += 1;
            match values(&row)? {
                None => gathered.truncate(),
                Some(row) => gathered.take(row),
            }
            if gathered.truncated {
                return Ok(gathered.answer(names));
            }
        }
        if fetched < ROWS_AT_ONCE {
            return Ok(gathered.answer(names));
        }
    }
}

/// Returns a query for the rows of `sql` that sends no value longer than `most` bytes, with a column before the others that
/// tells whether the whole row is longer. Its `OFFSET` keeps the values from being computed more than once.
fn bounded(sql: &str, columns: &[PgColumn], most: usize) -> String {
    let mut long = "false".to_owned();
    let mut selected = String::new();
    let mut names = Vec::new();
    let mut bytes = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let name = format!("c{index}");
        let size = format!("coalesce(octet_length({name}::text), 0)");
        let bounded = match column.type_info().name() {
            // It has neither a text nor a size.
            "VOID" => name.clone(),
            "RECORD" => format!("CASE WHEN {size} <= {most} THEN {name}::text END"),
            _ => format!("CASE WHEN {size} <= {most} THEN {name} END"),
        };
        selected.push_str(", ");
        selected.push_str(&bounded);
        if column.type_info().name() != "VOID" {
            bytes.push(format!("{size}::bigint"));
        }
        names.push(name);
    }
    if !bytes.is_empty() {
        long = format!("{} > {most}", bytes.join(" + "));
    }
    let names = match names.join(", ") {
        names if names.is_empty() => names,
        names => format!("({names})"),
    };
    let sql = &sql[..end_of_statement(sql)];
    format!(
        "SELECT {long}{selected} FROM (SELECT * FROM (\n{sql}\n) AS query OFFSET 0) AS answer {names}"
    )
}

/// The time of a query, which the server keeps to as well: one that it does not hear of would go on.
struct Clock {
    ends_at: Instant,
}

impl Clock {
    fn start(time: Duration) -> Self {
        Self {
            ends_at: Instant::now() + time,
        }
    }

    /// Limits the next statement to the time that is left, whatever the query has set before.
    async fn set(&mut self, connection: &mut PgConnection) -> Result<(), SqlxError> {
        let left = self.ends_at.saturating_duration_since(Instant::now());
        let set = format!(
            "SET LOCAL statement_timeout = {}",
            left.as_millis().clamp(1, i32::MAX as u128)
        );
        connection.execute(AssertSqlSafe(set)).await?;
        Ok(())
    }
}

/// The server's process that works on a query. It is ended over another connection unless it is released, since it would not
/// notice that nobody waits any more.
struct Backend {
    servers: Option<Servers>,
    process: i32,
    /// When its transaction began: behind a pooler the process may work for somebody else later.
    begun: String,
}

impl Backend {
    async fn new(connection: &mut PgConnection, servers: Servers) -> Result<Self, SqlxError> {
        let me = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.now()::text";
        let row = statement(me)
            .persistent(false)
            .fetch_one(connection)
            .await?;
        Ok(Self {
            servers: Some(servers),
            process: row.try_get(0)?,
            begun: row.try_get(1)?,
        })
    }

    fn release(mut self) {
        self.servers = None;
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let Some(servers) = self.servers.take() else {
            return;
        };
        if let Ok(runtime) = Handle::try_current() {
            let (process, begun) = (self.process, std::mem::take(&mut self.begun));
            runtime.spawn(async move {
                let ended = timeout(END_LIMIT, end(servers, process, begun)).await;
                if let Err(error) = ended.unwrap_or(Err(SqlxError::PoolTimedOut)) {
                    let error = QueryError::from(error);
                    tracing::warn!(%error, "cannot end the server's process of an abandoned query");
                }
            });
        }
    }
}

async fn end(servers: Servers, process: i32, begun: String) -> Result<(), SqlxError> {
    let mut connection = servers.connect(END_LIMIT).await?;
    let end = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
               WHERE pid = $1 AND xact_start = $2::timestamptz";
    let end = statement(end).persistent(false).bind(process).bind(begun);
    end.execute(&mut connection).await?;
    connection.close().await
}

/// Returns the values of a row, or `None` if it is longer than the answer may be.
fn values(row: &PgRow) -> Result<Option<Vec<Value>>, QueryError> {
    if value(row, 0)? == Value::Bool(true) {
        return Ok(None);
    }
    let values = (1..row.len()).map(|column| value(row, column));
    values.collect::<Result<_, _>>().map(Some)
}

fn value(row: &PgRow, column: usize) -> Result<Value, QueryError> {
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    let text = raw.as_str().map_err(|_| QueryError::InvalidText {
        column: column.saturating_sub(1),
    })?;
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
