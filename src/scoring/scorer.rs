use super::Failure;
use weir_feed::{ContentItem, Session};

/// An item to score, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'r> {
    /// What is scored.
    pub item: &'r ContentItem,
    /// The session that it was requested in.
    pub session: &'r Session,
}

/// A hash of everything a score depends on, the scorer's configuration and version included.
pub type CacheKey = u128;

/// A kind of score: shared by a pool's threads, it makes each of them its [`Worker`].
pub trait Scorer: Send + Sync {
    /// A worker, warmed up: the first batch must cost it no more than the hundredth.
    fn worker(&self) -> Box<dyn Worker>;

    /// The key that a score may be remembered by, or `None` if it must be computed each time.
    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey>;

    /// The score, where computing it costs less than handing it to a thread. It is then never remembered.
    fn at_once(&self, _: Subject<'_>) -> Option<f64> {
        None
    }

    /// The score of a worker, where computing it takes about a microsecond for an ordinary text. Feeds of little text are
    /// then scored by who asks. No finite score, or none: a worker is to see to it.
    fn on_the_spot(&self, _: Subject<'_>) -> Option<f64> {
        None
    }

    /// Whether a score costs so much that a request waits for an equal one under way rather than have it computed twice.
    fn is_costly(&self) -> bool {
        false
    }
}

/// One thread's scorer, with what state it likes. After a panic it is dropped and made anew.
pub trait Worker {
    /// Scores `batch`, which may hold items of several requests: one result for each, in their order.
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, ScoreError>>;

    /// Returns why items of the newest batch have no score, if that is known better than their results tell.
    fn take_failure(&mut self) -> Option<Failure> {
        None
    }
}

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
    /// The pool was not running, or was being restarted.
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
            Self::Unavailable => "unavailable",
        }
    }
}
