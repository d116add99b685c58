use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::JobError;
use crate::{db::Database, results::Results};

/// What a running job may use.
pub struct JobContext {
    database: Database,
    results: Results,
    token: FencingToken,
    cancellation: CancellationToken,
    progress: watch::Sender<Progress>,
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

impl JobContext {
    /// The context of one run; cancelling `cancellation` asks it to stop.
    pub fn new(
        database: Database,
        results: Results,
        token: FencingToken,
        cancellation: CancellationToken,
    ) -> Self {
        Self {
            database,
            results,
            token,
            cancellation,
            progress: watch::Sender::default(),
        }
    }

    /// The posts.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Where results are left for others.
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// The fencing token of this run.
    pub fn token(&self) -> FencingToken {
        self.token
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
        self.progress.send_replace(Progress { done, total });
    }

    /// Follows the progress.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}
