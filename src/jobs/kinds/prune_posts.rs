use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::jobs::{Job, JobContext, JobError, Window};

/// Small enough that a batch holds the write lock for milliseconds.
const ROWS_PER_BATCH: u64 = 1_000;

/// Deletes posts older than a span of time and answers `{"deleted": n}`. Posts without a time stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrunePosts {
    /// The age from which posts go.
    pub older_than: Window,
}

impl Job for PrunePosts {
    const NAME: &'static str = "prune_posts";

    async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let before = self.older_than.start(Utc::now());
        let mut deleted = 0;
        loop {
            context.check_cancelled()?;
            let batch = context
                .database()
                .delete_posts_before(before, ROWS_PER_BATCH)
                .await?;
            deleted += batch;
            context.report_progress(deleted, None);
            if batch == 0 {
                return Ok(json!({ "deleted": deleted }));
            }
        }
    }
}
