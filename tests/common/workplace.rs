//! A place where a job can run outside a Weir.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use weir::{
    jobs::{FencingToken, JobContext, JobError, JobResources, LargeResults, Registry, Run},
    queue::{Claim, JobQueue, NewJob, QueueLimits, Worker},
};

use super::{databases::TestDatabase, stores::TestStore};

/// A database and a results store to run jobs on.
pub(crate) struct Workplace {
    pub(crate) data: TestDatabase,
    pub(crate) store: TestStore,
    pub(crate) cancellation: CancellationToken,
    folder: TempDir,
}

impl Workplace {
    pub(crate) fn new(data: TestDatabase) -> Self {
        Self {
            data,
            store: TestStore::sqlite(),
            cancellation: CancellationToken::new(),
            folder: TempDir::new().unwrap(),
        }
    }

    /// The context of a run that holds the lease of its job.
    pub(crate) async fn context(&self) -> JobContext {
        let jobs = JobQueue::new(&self.store, QueueLimits::default());
        jobs.enqueue(NewJob::new("test", json!({}))).await.unwrap();
        let worker = Worker {
            owner: "test".into(),
            name: "test".into(),
            instance: "host-1".into(),
            jobs: super::stores::job_names(&["test"]),
        };
        let lease = jobs.claim(&worker, Duration::from_mins(10)).await.unwrap();
        let Claim::Leased(lease) = lease else {
            panic!("a job is ready");
        };
        let run = Run {
            job: lease.id,
            token: FencingToken(lease.token),
            attempt: 1,
        };
        JobContext::new(self.resources(), run, self.cancellation.clone())
    }

    pub(crate) fn resources(&self) -> JobResources {
        JobResources {
            database: self.data.database.clone(),
            store: self.store.store.clone(),
            queue: JobQueue::new(&self.store, QueueLimits::default()),
            large_results: LargeResults::new(
                self.folder.path().into(),
                1 << 20,
                Duration::from_hours(1),
            ),
        }
    }

    pub(crate) async fn try_run(&self, job: &str, arguments: Value) -> Result<Value, JobError> {
        let prepared = Registry::shipped().prepare(job, &arguments).unwrap();
        prepared.run(&self.context().await).await
    }

    pub(crate) async fn run(&self, job: &str, arguments: Value) -> Value {
        self.try_run(job, arguments).await.unwrap()
    }
}
