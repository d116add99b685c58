use std::{future::Future, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::{JobError, LargeResult, LargeResults};
use crate::{
    db::{Database, PostFilter, PostText},
    queue::{JobId, JobQueue, Settled},
    store::Store,
};

/// Long enough that the last result outlives a day without a run; whoever reads it judges its age by its own time.
const RESULT_TTL: Duration = Duration::from_hours(24);
/// Posts that are read at a time.
const PAGE_SIZE: u64 = 1_000;

/// What a running job may use.
pub struct JobContext {
    resources: JobResources,
    run: Run,
    cancellation: CancellationToken,
    progress: watch::Sender<Option<Progress>>,
    presence: Presence,
}

/// What all jobs of a Weir share.
#[derive(Clone)]
pub struct JobResources {
    /// The posts.
    pub database: Database,
    /// Values for others.
    pub store: Store,
    /// The jobs themselves.
    pub queue: JobQueue,
    /// Results too large for the store.
    pub large_results: LargeResults,
}

/// One run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The job.
    pub job: JobId,
    /// The token of its lease.
    pub token: FencingToken,
    /// 1 for the first run of the job.
    pub attempt: u32,
}

/// Grows with each run of any job: a store that has seen a greater one can refuse a run that was overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FencingToken(pub u64);

/// How far a run has come, in steps of the job's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub done: u64,
    /// Steps in all, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// Tells when the last of a run's code has ended.
struct Presence {
    all: Arc<watch::Sender<()>>,
    here: watch::Receiver<()>,
}

impl JobContext {
    /// The context of one run; cancelling `cancellation` asks it to stop.
    pub fn new(resources: JobResources, run: Run, cancellation: CancellationToken) -> Self {
        let (all, here) = watch::channel(());
        Self {
            resources,
            run,
            cancellation,
            progress: watch::Sender::default(),
            presence: Presence {
                all: Arc::new(all),
                here,
            },
        }
    }

    /// The posts.
    pub fn database(&self) -> &Database {
        &self.resources.database
    }

    /// Where results are left for others. A write through this handle is not fenced; [`JobContext::put_result`] is.
    pub fn store(&self) -> &Store {
        &self.resources.store
    }

    /// The job that runs.
    pub fn job(&self) -> JobId {
        self.run.job
    }

    /// The fencing token of this run.
    pub fn token(&self) -> FencingToken {
        self.run.token
    }

    /// The number of this run among those of its job, from 1.
    pub fn attempt(&self) -> u32 {
        self.run.attempt
    }

    /// Leaves a value under `key` for `ttl`, unless this run has been overtaken: then it ends with [`JobError::Overtaken`].
    pub async fn put_result(
        &self,
        key: &str,
        value: &Value,
        ttl: Duration,
    ) -> Result<(), JobError> {
        let Run { job, token, .. } = self.run;
        let put = self
            .resources
            .queue
            .put_fenced(job, token.0, key, value, ttl);
        match put.await? {
            Settled::Done => Ok(()),
            Settled::Overtaken => Err(JobError::Overtaken),
        }
    }

    /// Leaves the result under the `result_key` of the job's arguments, if they have one.
    pub(super) async fn leave_result(
        &self,
        key: Option<&str>,
        result: &Value,
    ) -> Result<(), JobError> {
        match key {
            Some(key) => self.put_result(key, result, RESULT_TTL).await,
            None => Ok(()),
        }
    }

    /// Begins a result too large for the store; what its `finish` answers is the job's result.
    pub async fn large_result(&self) -> Result<LargeResult, JobError> {
        self.resources.large_results.begin(self.run).await
    }

    /// Does work that blocks or computes on a thread for such, and counts it as part of this run: also when the run is
    /// abandoned, until it really ends.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let here = self.presence.here.clone();
        let working = spawn_blocking(move || {
            let _here = here;
            work()
        });
        Ok(working.await?)
    }

    /// Runs `step` over the posts that pass the filter, a page at a time on a blocking thread, while the next page is read.
    /// At most two pages are in memory.
    pub(super) async fn fold_posts<S: Send + 'static>(
        &self,
        filter: PostFilter,
        mut state: S,
        step: fn(&mut S, &[PostText]),
    ) -> Result<S, JobError> {
        let mut pages = self.database().post_pages(filter, PAGE_SIZE);
        let mut done = 0;
        let mut page = pages.next().await?;
        while let Some(posts) = page {
            self.check_cancelled()?;
            done += posts.len() as u64;
            let stepped = self.run_blocking(move || {
                step(&mut state, &posts);
                state
            });
            let (stepped, next) = tokio::join!(stepped, pages.next());
            (state, page) = (stepped?, next?);
            self.report_progress(done, None);
        }
        Ok(state)
    }

    /// Cancelled when the run is to stop; hand it to steps that wait.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Ends a cancelled run, called as `context.check_cancelled()?` between steps.
    pub fn check_cancelled(&self) -> Result<(), JobError> {
        if self.cancellation.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        Ok(())
    }

    /// Tells how far the run has come.
    pub fn report_progress(&self, done: u64, total: Option<u64>) {
        self.progress.send_replace(Some(Progress { done, total }));
    }

    /// Returns a function that tells how far the run has come, for code that outlives a borrow of this context.
    pub(super) fn progress_reporter(&self) -> impl Fn(u64, Option<u64>) + Send + Sync + use<> {
        let progress = self.progress.clone();
        move |done, total| {
            let _ = progress.send_replace(Some(Progress { done, total }));
        }
    }

    /// Follows the progress; `None` until the run has told of any.
    pub fn progress(&self) -> watch::Receiver<Option<Progress>> {
        self.progress.subscribe()
    }

    /// Resolves once this context is dropped and no blocking work begun through it goes on.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let all = Arc::clone(&self.presence.all);
        async move { all.closed().await }
    }
}
