use std::time::Duration;

use serde_json::Value;

use super::{ArgumentError, JobContext, JobError};
use crate::store::is_key;

/// Long enough that the last result outlives a day without a run; whoever reads it judges its age by its own time.
const RESULT_TTL: Duration = Duration::from_hours(24);

/// Refuses a `result_key` that cannot be a key.
pub(super) fn validate(key: Option<&str>) -> Result<(), ArgumentError> {
    if key.is_none_or(is_key) {
        return Ok(());
    }
    let why = "expected 1 to 512 bytes without control characters";
    Err(ArgumentError::new("result_key", why))
}

/// Leaves a result under its key for others, if it has one and this run has not been overtaken.
pub(super) async fn leave(
    context: &JobContext,
    key: Option<&str>,
    result: &Value,
) -> Result<(), JobError> {
    match key {
        Some(key) => context.put_result(key, result, RESULT_TTL).await,
        None => Ok(()),
    }
}
