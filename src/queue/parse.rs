//! Reading what a store holds of jobs.

use serde_json::Value;

use super::{JobId, JobState};
use crate::store::error::StoreError;

/// Name of the part of a job's record, for [`json`].
pub(crate) const ARGS: &str = "a job's args";
/// The same.
pub(crate) const PROGRESS: &str = "a job's progress";
/// The same.
pub(crate) const RESULT: &str = "a job's result";

pub(crate) fn id(text: &str) -> Result<JobId, StoreError> {
    text.parse().map_err(|_| unreadable("the id of a job"))
}

pub(crate) fn state(text: &str) -> Result<JobState, StoreError> {
    JobState::from_name(text).ok_or(unreadable("the state of a job"))
}

/// Reads JSON; `what` names it if it is not.
pub(crate) fn json(text: &str, what: &'static str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable(what))
}

pub(crate) fn errors(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| unreadable("a job's error"))
}

pub(crate) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Unreadable { what }
}
