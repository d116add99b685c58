//! One SELECT of somebody else's, which must not write, last, or answer without end.

mod error;
mod postgres;
mod sqlite;
mod statement;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub use error::QueryError;
pub use statement::is_select;

use super::Database;

/// How long a query may take, and how much it may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryLimits {
    /// Most rows.
    pub rows: usize,
    /// Most bytes of all rows as JSON.
    pub bytes: usize,
    /// Longest run.
    pub time: Duration,
}

/// What a query answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
            return sqlite::query(url.expose(), sql, limits).await;
        }
        if settings.query_url.is_empty() {
            return Err(QueryError::NoQueryUrl);
        }
        let answer = postgres::query(url, sql, limits, settings).await;
        self.watch().note_query(match &answer {
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

    /// Takes a row; `false` when the limits are reached and it was left out.
    fn take(&mut self, row: Vec<Value>) -> bool {
        self.bytes += row
            .iter()
            .map(|value| value.to_string().len() + 1)
            .sum::<usize>();
        self.truncated = self.rows.len() >= self.limits.rows || self.bytes > self.limits.bytes;
        if !self.truncated {
            self.rows.push(row);
        }
        !self.truncated
    }

    fn answer(self, columns: Vec<String>) -> QueryAnswer {
        QueryAnswer {
            columns,
            rows: self.rows,
            truncated: self.truncated,
        }
    }
}
