use std::borrow::Cow;

/// The reason why an item has no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ScoreError {
    /// The scorer could not score this item.
    #[error("the scorer could not score an item")]
    Error,
    /// The scorer panicked over the batch.
    #[error("the scorer panicked")]
    Panic,
    /// The scorer gave no result for this item, or one that is not finite.
    #[error("the scorer gave too few results, or one that is not finite")]
    BadResult,
    /// The pool's queue was full.
    #[error("the scorer's queue was full")]
    QueueFull,
    /// The pool's breaker was open, after failures in a row.
    #[error("the scorer's breaker was open")]
    BreakerOpen,
    /// The scorer's rate limit had no permit in time, or the model server asked for fewer calls.
    #[error("the scorer's rate limit had no permit in time")]
    RateLimited,
    /// The score did not arrive in time.
    #[error("the scorer took too long")]
    Timeout,
    /// Scoring this item took too long earlier, and it is not tried again until its entry expires.
    #[error("an item had taken too long before")]
    SlowItem,
    /// The process that scored ended.
    #[error("the process that scored ended")]
    ProcessEnded {
        /// True if it had this item alone.
        alone: bool,
    },
    /// The process that scored violated the protocol and was ended.
    #[error("the process that scored violated the protocol")]
    ProtocolError {
        /// True if it had this item alone.
        alone: bool,
    },
    /// The pool dropped the request without an answer.
    #[error("the scorer was not running")]
    Unavailable,
}

impl ScoreError {
    /// Returns the name of this reason in answers, metrics and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::BadResult => "bad_result",
            Self::QueueFull => "queue_full",
            Self::BreakerOpen => "breaker_open",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::SlowItem => "slow_item",
            Self::ProcessEnded { .. } => "process_ended",
            Self::ProtocolError { .. } => "protocol_error",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Reason why items have no score, as it is logged, counted and shown in health. Holds no text of a post, no address and no
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScorerFailure {
    /// Short name, the label of its counter.
    pub reason: Cow<'static, str>,
    /// Description for an operator.
    pub detail: String,
}

impl ScorerFailure {
    /// Creates a failure with this reason.
    pub fn new(reason: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            detail: detail.into(),
        }
    }
}

impl From<ScoreError> for ScorerFailure {
    /// Returns the failure of a scorer that reports nothing beyond the error itself.
    fn from(error: ScoreError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
