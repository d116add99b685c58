//! One SELECT of somebody else's, which must not write, last, or answer without end.

mod error;
mod postgres;
mod process;
mod sqlite;
mod statement;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use error::QueryError;
pub use process::{QUERY_COMMAND, run_query};
pub use statement::is_select;

use super::Database;

/// Memory that a query may use beyond what an idle process has, in bytes.
const MOST_MEMORY: u64 = 256 << 20;

/// How long a query may take, and how much it may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLimits {
    /// Most rows.
    pub rows: usize,
    /// Most bytes of all rows as JSON.
    pub bytes: usize,
    /// Longest run.
    pub time: Duration,
}

/// What a query answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, a value for each column: numbers, truth values and JSON as such, all else as text, bytes as `\x` and hex.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more rows than the limits allow.
    pub truncated: bool,
}

impl Database {
    /// Runs one SELECT over a connection of its own that cannot write: to `database.query_url`, whose role decides what may
    /// be read, or without one to the SQLite file. A connection and all it was told end with the query.
    pub async fn query(&self, sql: &str, limits: QueryLimits) -> Result<QueryAnswer, QueryError> {
        if !is_select(sql) {
            return Err(QueryError::NotSelect);
        }
        let settings = self.settings();
        let url = if settings.query_url.is_empty() {
            &settings.url
        } else {
            &settings.query_url
        };
        if url.expose().starts_with("sqlite:") {
            return process::query(settings, url.expose(), sql, limits).await;
        }
        if settings.query_url.is_empty() {
            return Err(QueryError::NoQueryUrl);
        }
        let answer = postgres::query(url, sql, limits, settings).await;
        self.outage_monitor().note_query(match &answer {
            Err(QueryError::Database(error)) => Some(error),
            _ => None,
        });
        answer
    }
}

/// Rows within the limits.
struct Gathered {
    limits: QueryLimits,
    rows: Vec<Vec<Value>>,
    bytes: usize,
    truncated: bool,
}

impl Gathered {
    fn new(limits: QueryLimits) -> Self {
        Self {
            limits,
            rows: Vec::new(),
            bytes: 0,
            truncated: false,
        }
    }

    /// Takes a row, unless that would exceed the limits.
    fn take(&mut self, row: Vec<Value>) {
        self.bytes += row
            .iter()
            .map(|value| value.to_string().len() + 1)
            .sum::<usize>();
        if self.rows.len() >= self.limits.rows || self.bytes > self.limits.bytes {
            self.truncate();
        } else {
            self.rows.push(row);
        }
    }

    /// Leaves out a row, and with it all that follow.
    fn truncate(&mut self) {
        self.truncated = true;
    }

    fn answer(self, columns: Vec<String>) -> QueryAnswer {
        QueryAnswer {
            columns,
            rows: self.rows,
            truncated: self.truncated,
        }
    }
}

/// Refuses columns whose names alone are longer than the answer may be.
fn check_names(columns: &[String], limits: QueryLimits) -> Result<(), QueryError> {
    let bytes: usize = columns
        .iter()
        .map(|name| Value::from(name.as_str()).to_string().len() + 1)
        .sum();
    if bytes > limits.bytes {
        let why = format!(
            "the names of its columns are longer than {} bytes",
            limits.bytes
        );
        return Err(QueryError::Refused(why));
    }
    Ok(())
}
