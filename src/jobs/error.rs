use std::error::Error;
use std::time::Duration;

use thiserror::Error;

use crate::{db::DbError, store::StoreError};

/// Why a run failed.
#[derive(Debug, Error)]
pub enum JobError {
    /// The run was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Another run of the same job has begun, or this one has been settled: what it writes is refused.
    #[error("overtaken by another run")]
    Overtaken,
    /// The posts database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The job's code panicked.
    #[error("the job panicked: {0}")]
    Panicked(String),
    /// Trying again would fail in the same way.
    #[error("{0}")]
    Permanent(Box<dyn Error + Send + Sync>),
    /// Something else that the job needs is unavailable.
    #[error("{0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// The job says itself when it is to be tried again.
    #[error("{cause}")]
    RetryAfter {
        /// Time until the next attempt.
        after: Duration,
        /// The cause.
        cause: Box<dyn Error + Send + Sync>,
    },
    /// Anything else, which may pass.
    #[error("{0}")]
    Transient(Box<dyn Error + Send + Sync>),
}

impl JobError {
    /// Whether another run may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Cancelled | Self::Overtaken | Self::Permanent(_) => false,
            Self::Database(error) => !matches!(error, DbError::Data(_)),
            Self::Store(error) => error.is_unavailable(),
            Self::Panicked(_)
            | Self::Unavailable(_)
            | Self::RetryAfter { .. }
            | Self::Transient(_) => true,
        }
    }

    /// Returns the time until the next attempt, if the job says so itself.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter { after, .. } => Some(*after),
            _ => None,
        }
    }

    /// Returns whether the run failed because a store or the database was unavailable, for which the job is not to blame.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => error.is_unavailable(),
            Self::Store(error) => error.is_unavailable(),
            Self::Unavailable(_) => true,
            _ => false,
        }
    }
}

/// A blocking step ends without a value only by a panic, or with the runtime.
impl From<tokio::task::JoinError> for JobError {
    fn from(error: tokio::task::JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Self::Panicked(panic_message(panic.as_ref()).to_owned()),
            Err(_) => Self::Cancelled,
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// An argument that a job does not take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{argument}: {why}")]
pub struct ArgumentError {
    /// The argument's place, as `from` or `filters[3].name`; `.` is the whole.
    pub argument: String,
    /// Expected form.
    pub why: String,
}

impl ArgumentError {
    /// The argument at fault and what was expected of it.
    pub fn new(argument: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            argument: argument.into(),
            why: why.into(),
        }
    }
}

/// No job has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no job {name:?}; the jobs are {}", known.join(", "))]
pub struct UnknownJob {
    /// The name asked for.
    pub name: String,
    /// Those there are.
    pub known: Vec<String>,
}
