use crate::feed::{ContentItem, Session};

/// For whom a batch is scored.
#[derive(Debug, Clone, Copy)]
pub struct Context<'r> {
    /// The session that the items were requested in.
    pub session: &'r Session,
}

/// A hash of everything a score depends on, the scorer's configuration included.
pub type CacheKey = u128;

/// A kind of score: shared by a pool's threads, it makes each of them its [`Worker`].
pub trait Scorer: Send + Sync {
    /// A worker, warmed up: the first batch must cost it no more than the hundredth.
    fn worker(&self) -> Box<dyn Worker>;

    /// The key that `item`'s score may be remembered by, or `None` if it must be computed each time.
    fn cache_key(&self, item: &ContentItem, context: Context<'_>) -> Option<CacheKey>;
}

/// One thread's scorer, with what state it likes. After a panic it is dropped and made anew.
pub trait Worker {
    /// Scores `items`: one result for each, in their order.
    fn score(&mut self, items: &[&ContentItem], context: Context<'_>)
    -> Vec<Result<f64, Unscored>>;
}

/// Why an item has no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unscored {
    /// The scorer says that it cannot score this item.
    #[error("error")]
    Failed,
    /// The scorer panicked over the batch.
    #[error("panic")]
    Panicked,
    /// The scorer gave no result for this item, or one that is not finite.
    #[error("bad result")]
    BadResult,
    /// The pool's queue had no room.
    #[error("queue full")]
    QueueFull,
    /// The time was up first.
    #[error("timeout")]
    TimedOut,
    /// The pool is not there, or being restarted.
    #[error("unavailable")]
    Unavailable,
}
