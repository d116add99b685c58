//! Reading what a store holds of jobs.

use serde_json::Value;

use super::{JobId, JobState};
use crate::results::error::ResultsError;

pub(in crate::results) fn id(text: &str) -> Result<JobId, ResultsError> {
    text.parse().map_err(|_| unreadable("the id of a job"))
}

pub(in crate::results) fn state(text: &str) -> Result<JobState, ResultsError> {
    JobState::named(text).ok_or(unreadable("the state of a job"))
}

pub(in crate::results) fn json(text: &str) -> Result<Value, ResultsError> {
    serde_json::from_str(text).map_err(|_| unreadable("a job's JSON"))
}

pub(in crate::results) fn errors(text: &str) -> Result<Vec<String>, ResultsError> {
    serde_json::from_str(text).map_err(|_| unreadable("a job's error"))
}

pub(in crate::results) fn unreadable(what: &'static str) -> ResultsError {
    ResultsError::Unreadable { what }
}
