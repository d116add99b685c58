//! Reading what a store holds of jobs.

use serde_json::Value;

use super::{JobId, JobState};
use crate::results::error::ResultsError;

/// Name of the part of a job's record, for [`json`].
pub(in crate::results) const ARGS: &str = "a job's args";
/// The same.
pub(in crate::results) const PROGRESS: &str = "a job's progress";
/// The same.
pub(in crate::results) const RESULT: &str = "a job's result";

pub(in crate::results) fn id(text: &str) -> Result<JobId, ResultsError> {
    text.parse().map_err(|_| unreadable("the id of a job"))
}

pub(in crate::results) fn state(text: &str) -> Result<JobState, ResultsError> {
    JobState::named(text).ok_or(unreadable("the state of a job"))
}

/// Reads JSON; `what` names it if it is not.
pub(in crate::results) fn json(text: &str, what: &'static str) -> Result<Value, ResultsError> {
    serde_json::from_str(text).map_err(|_| unreadable(what))
}

pub(in crate::results) fn errors(text: &str) -> Result<Vec<String>, ResultsError> {
    serde_json::from_str(text).map_err(|_| unreadable("a job's error"))
}

pub(in crate::results) fn unreadable(what: &'static str) -> ResultsError {
    ResultsError::Unreadable { what }
}
