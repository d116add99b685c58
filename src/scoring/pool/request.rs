use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::scoring::{CacheKey, ItemScore, Subject};
use weir_feed::RankRequest;

/// Scores of some of a feed's items.
#[derive(Debug)]
pub struct BatchScores {
    /// Tag of the request.
    pub tag: usize,
    /// Index of each item in the feed, and its score.
    pub scores: Vec<(usize, ItemScore)>,
    /// When the batch passed each step.
    pub timing: Timing,
}

/// Times at which a batch passed each step of its pool.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The batch was queued.
    pub enqueued: Instant,
    /// A worker began to score it, if one did.
    pub started: Option<Instant>,
    /// Its scores were known, or given up on.
    pub completed: Instant,
}

/// Request for the scores of a feed.
#[derive(Debug, Clone)]
pub(super) struct ScoreRequest {
    pub(super) feed: Arc<RankRequest>,
    /// No work begins after it. While other work waits, none begins that would end after it.
    pub(super) deadline: Instant,
    /// Marks the answers of this request where several requests share a channel.
    pub(super) tag: usize,
    /// Receives the scores, batch by batch. Dropping its receiver cancels the request.
    pub(super) reply: UnboundedSender<BatchScores>,
}

/// An item whose score is not known yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingItem {
    /// Index in the feed.
    pub(super) index: usize,
    /// Key to cache the score by.
    pub(super) key: Option<CacheKey>,
}

/// Items of one request that are queued and scored together.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) request: ScoreRequest,
    pub(super) items: Vec<PendingItem>,
    pub(super) enqueued: Instant,
    /// Shares its batch with no other chunk, because its item is suspected to be slow.
    pub(super) alone: bool,
}

impl Chunk {
    pub(super) fn new(request: &ScoreRequest, items: Vec<PendingItem>) -> Self {
        Self {
            request: request.clone(),
            items,
            enqueued: Instant::now(),
            alone: false,
        }
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        let feed = &*self.request.feed;
        let item = |pending: &PendingItem| &feed.items[pending.index];
        self.items
            .iter()
            .map(move |pending| Subject::new(feed, item(pending)))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CacheKey> {
        self.items.iter().filter_map(|item| item.key)
    }

    /// Sends the results, which are in the order of the items. A receiver that was dropped misses nothing.
    pub(super) fn answer(
        &self,
        results: impl Iterator<Item = ItemScore>,
        started: Option<Instant>,
    ) {
        let indices = self.items.iter().map(|item| item.index);
        let _ = self.request.reply.send(BatchScores {
            tag: self.request.tag,
            scores: indices.zip(results).collect(),
            timing: Timing {
                enqueued: self.enqueued,
                started,
                completed: Instant::now(),
            },
        });
    }
}
