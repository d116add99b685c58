use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::db::{QueryError, QueryLimits, is_select};
use crate::jobs::arguments::validate_result_key;
use crate::jobs::{ArgumentError, Job, JobContext, JobError, Limits};

const MOST_ROWS: usize = 10_000;
/// Room for a result within the default cap of 1 MiB.
const MOST_BYTES: usize = 1_000_000;
const LONGEST: Duration = Duration::from_secs(20);
/// Longest time of a query with all around it, before the run's own limit: what hits that one is tried again.
const LONGEST_IN_ALL: Duration = Duration::from_secs(28);

/// Runs one SELECT over the posts and answers `{"columns": [..], "rows": [[..]], "truncated": false}`: at most `max_rows`
/// rows and a megabyte, within 20 seconds, over a connection that cannot write (`database.query_url`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryPostsDb {
    /// The SELECT.
    pub query: String,
    /// The most rows to answer, 1 to 10,000.
    #[serde(default = "default_max_rows")]
    pub max_rows: usize,
    /// Where to leave the result.
    #[serde(default)]
    pub result_key: Option<String>,
}

fn default_max_rows() -> usize {
    1_000
}

impl Job for QueryPostsDb {
    const NAME: &'static str = "query_posts_db";

    const LIMITS: Limits = Limits {
        soft: Duration::from_secs(30),
        hard: Duration::from_secs(35),
    };

    fn validate(&self) -> Result<(), ArgumentError> {
        if !is_select(&self.query) {
            return Err(ArgumentError::new("query", "expected a SELECT"));
        }
        if self.query.contains('\0') {
            return Err(ArgumentError::new("query", "expected no zero byte"));
        }
        if !(1..=MOST_ROWS).contains(&self.max_rows) {
            let why = format!("expected 1 to {MOST_ROWS}");
            return Err(ArgumentError::new("max_rows", why));
        }
        validate_result_key(self.result_key.as_deref())
    }

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let limits = QueryLimits {
            rows: self.max_rows,
            bytes: MOST_BYTES,
            time: LONGEST,
        };
        let query = context.database().query(&self.query, limits);
        let query = async {
            let limit_ms = LONGEST_IN_ALL.as_millis();
            let answer = timeout(LONGEST_IN_ALL, query).await;
            answer.unwrap_or(Err(QueryError::TimedOut { limit_ms }))
        };
        let answer = context.cancellation().run_until_cancelled(query).await;
        let result = json!(answer.ok_or(JobError::Cancelled)??);
        context
            .leave_result(self.result_key.as_deref(), &result)
            .await?;
        Ok(result)
    }
}

impl From<QueryError> for JobError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(error) if error.is_unavailable() => {
                Self::Unavailable(Box::new(error))
            }
            QueryError::Database(error) => Self::Transient(Box::new(error)),
            QueryError::Unavailable(_) | QueryError::Process(_) => Self::Transient(Box::new(error)),
            error => Self::Permanent(Box::new(error)),
        }
    }
}
