//! A job as it can be looked up, and reading what a store holds of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{JobId, JobState};
use crate::store::StoreError;

/// Name of the part of a job's record, for [`parse_json`].
pub(super) const ARGS: &str = "a job's args";
/// The same.
pub(super) const PROGRESS: &str = "a job's progress";
/// The same.
pub(super) const RESULT: &str = "a job's result";

/// All that the store knows of a job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobRecord {
    /// Its id.
    pub id: JobId,
    /// Which job it is.
    #[serde(rename = "job")]
    pub name: String,
    /// Its arguments.
    pub args: Value,
    /// Where it stands.
    pub state: JobState,
    /// Higher runs first.
    pub priority: i8,
    /// How many runs have ended, well or not.
    pub attempts: u32,
    /// How many leases ran out or were recovered.
    pub lost: u32,
    /// Its unique key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// The schedule that fired it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The worker that ran it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// The instance that the worker belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The job that begins when this one succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<JobId>,
    /// The job that must succeed before this one begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<JobId>,
    /// What it last said of its progress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Value>,
    /// Its result, once it has succeeded. Lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// The last error and its causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Vec<String>>,
    /// Whether a run has been asked to end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancel_requested: bool,
    /// When it came in.
    pub enqueued_at: DateTime<Utc>,
    /// The time it waits or waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// When its last run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

pub(super) fn parse_id(text: &str) -> Result<JobId, StoreError> {
    text.parse().map_err(|_| unreadable("the id of a job"))
}

pub(super) fn parse_state(text: &str) -> Result<JobState, StoreError> {
    JobState::from_name(text).ok_or(unreadable("the state of a job"))
}

/// Reads JSON; `what` names it if it is not.
pub(super) fn parse_json(text: &str, what: &'static str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable(what))
}

pub(super) fn parse_errors(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable("a job's error"))
}

pub(super) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unreadable { what }
}
