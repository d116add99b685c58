//! What passes between the store and a worker.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{JobId, JobState, QueueLimits};

/// Who takes jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Owner, by a name that outlives the process; [`super::JobQueue::recover`] takes it.
    pub owner: String,
    /// The worker's own name, for people.
    pub name: String,
    /// The name of the instance that the worker belongs to, for people.
    pub instance: String,
    /// The names of the jobs that it can run. It is given no others.
    pub jobs: Arc<BTreeSet<String>>,
}

/// What a claim found.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// A job to run.
    Leased(Lease),
    /// Nothing is ready that the worker can run.
    Nothing {
        /// Time until the next job is due or the next lease ends, if there is one.
        retry_after: Option<Duration>,
    },
}

/// A job that is this worker's until the lease runs out.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Which job it is.
    pub name: String,
    /// Its arguments.
    pub args: Value,
    /// Grows with each claim of any job. What a run writes elsewhere can be fenced by it.
    pub token: u64,
    /// How many runs have failed before.
    pub attempts: u32,
    /// How many leases were lost before.
    pub lost: u32,
}

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease is extended.
    Held {
        /// Whether somebody wants the run to end.
        cancel: bool,
    },
    /// The job is another's, or finished: end the run, its outcome will be refused.
    Lost,
}

/// How a run ended. `keep` is how long the finished job can be looked up.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result.
    Succeeded {
        /// The result.
        result: Value,
        /// How long to keep it.
        keep: Duration,
    },
    /// With an error; another run follows.
    Retry {
        /// The error and its causes.
        error: Vec<String>,
        /// From now.
        after: Duration,
    },
    /// With an error; no other run follows, unless it is replayed.
    Dead {
        /// The error and its causes.
        error: Vec<String>,
        /// How long to keep it.
        keep: Duration,
    },
    /// By request.
    Cancelled {
        /// How long to keep it.
        keep: Duration,
    },
    /// Unfinished: back to the queue, and no attempt.
    Released,
}

impl Outcome {
    /// Returns the end of a job whose arguments cannot be read, so that it does not come back again and again.
    pub(crate) fn unreadable_args(limits: &QueueLimits) -> Self {
        Self::Dead {
            error: vec!["its args cannot be read".to_owned()],
            keep: limits.keep,
        }
    }

    /// The state that the job goes to.
    pub fn state(&self) -> JobState {
        match self {
            Self::Succeeded { .. } => JobState::Succeeded,
            Self::Retry { .. } => JobState::Retrying,
            Self::Dead { .. } => JobState::Dead,
            Self::Cancelled { .. } => JobState::Cancelled,
            Self::Released => JobState::Queued,
        }
    }
}

/// What became of an outcome, or of a value that a run wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It counts.
    Done,
    /// The lease was lost before: nothing was changed.
    Overtaken,
}

impl Settled {
    pub(crate) fn done_if(done: bool) -> Self {
        if done { Self::Done } else { Self::Overtaken }
    }
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It waited, and is cancelled.
    Done,
    /// It runs; the worker learns of it with its next heartbeat.
    Requested,
    /// It had finished already.
    Finished(JobState),
    /// No such job is known.
    Unknown,
}

/// What became of a wish to run a dead job again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is queued, as if it were new.
    Done,
    /// It is not dead.
    NotDead(JobState),
    /// An equal job, by unique key, has not finished.
    Equal,
    /// No such job is known.
    Unknown,
}
