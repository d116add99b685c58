use std::borrow::Cow;

use super::Unscored;

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

impl From<Unscored> for Failure {
    /// The failure of a scorer that tells no more than this.
    fn from(why: Unscored) -> Self {
        match why {
            Unscored::Failed => Self::new("error", "the scorer could not score an item"),
            Unscored::Panicked => Self::new("panic", "the scorer panicked"),
            Unscored::BadResult => Self::new(
                "bad_result",
                "the scorer gave too few results, or one that is not finite",
            ),
            Unscored::QueueFull => Self::new("queue_full", "its queue was full"),
            Unscored::BreakerOpen => Self::new("breaker_open", "its breaker was open"),
            Unscored::RateLimited => Self::new("rate_limit", "its rate limit left no room in time"),
            Unscored::TimedOut => Self::new("timeout", "the scorer took too long"),
            Unscored::Overran => Self::new("slow_item", "an item had taken too long before"),
            Unscored::Unavailable => Self::new("unavailable", "the scorer was not running"),
        }
    }
}
