use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::scoring::{CacheKey, ScoreError};
use weir_feed::RankRequest;

/// A feed to score.
#[derive(Debug, Clone)]
pub struct ScoreRequest {
    /// Whose items are scored.
    pub feed: Arc<RankRequest>,
    /// Which of them, with the keys to remember their scores by.
    pub places: Vec<(usize, Option<CacheKey>)>,
    /// No work begins after it, nor, while other work waits, what would not end before it.
    pub deadline: Instant,
    /// Marks the answers of this request where several share a channel.
    pub tag: usize,
    /// Takes the answers, batch by batch. Dropping its receiver calls the work off.
    pub reply: UnboundedSender<Scored>,
}

/// The scores of some of a feed's items.
#[derive(Debug)]
pub struct Scored {
    /// The request's `tag`.
    pub tag: usize,
    /// Place of an item in the feed and its score.
    pub scores: Vec<(usize, Result<f64, ScoreError>)>,
    /// How long it took.
    pub timing: Timing,
}

/// The way of a batch through its pool.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// It began to wait for a thread.
    pub enqueued: Instant,
    /// A thread began with it, if one did.
    pub started: Option<Instant>,
    /// Its scores were known, or given up on.
    pub completed: Instant,
}
