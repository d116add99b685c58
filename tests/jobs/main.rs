//! The jobs that ship, on both databases.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod post_statistics;
mod prune_posts;
mod query_posts_db;
mod refresh_candidates;
mod substring_matches;
mod top_named_entities;

use common::{databases::TestDatabase, stores::TestStore};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use weir::jobs::{FencingToken, JobContext, JobError, Registry};

/// A database and a results store to run jobs on.
struct Workplace {
    data: TestDatabase,
    store: TestStore,
    cancellation: CancellationToken,
}

impl Workplace {
    fn new(data: TestDatabase) -> Self {
        Self {
            data,
            store: TestStore::sqlite(),
            cancellation: CancellationToken::new(),
        }
    }

    fn context(&self) -> JobContext {
        JobContext::new(
            self.data.database.clone(),
            self.store.results.clone(),
            FencingToken(1),
            self.cancellation.clone(),
        )
    }

    async fn try_run(&self, job: &str, arguments: Value) -> Result<Value, JobError> {
        let prepared = Registry::shipped().prepare(job, &arguments).unwrap();
        prepared.run(&self.context()).await
    }

    async fn run(&self, job: &str, arguments: Value) -> Value {
        self.try_run(job, arguments).await.unwrap()
    }
}
