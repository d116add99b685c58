use std::time::Duration;

use serde_json::Value;

use super::{ArgumentError, JobContext, JobError};

/// Long enough that the last result outlives a day without a run; whoever reads it judges its age by its own time.
const RESULT_TTL: Duration = Duration::from_hours(24);

/// Refuses an empty `result_key`.
pub(super) fn validate(key: Option<&str>) -> Result<(), ArgumentError> {
    if key == Some("") {
        return Err(ArgumentError::new("result_key", "expected a key"));
    }
    Ok(())
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
