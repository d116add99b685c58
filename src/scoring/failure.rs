use std::borrow::Cow;

use super::ScoreError;

/// Reason why items have no score, as it is logged, counted and shown in health. Holds no text of a post, no address and no
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Short name, the label of its counter.
    pub reason: Cow<'static, str>,
    /// Description for an operator.
    pub detail: String,
}

impl Failure {
    /// A failure of this reason.
    pub fn new(reason: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: detail.into(),
        }
    }
}

impl From<ScoreError> for Failure {
    /// Returns the failure of a scorer that reports nothing beyond the error itself.
    fn from(error: ScoreError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
