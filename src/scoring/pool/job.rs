use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use crate::feed::RankRequest;
use crate::scoring::{CacheKey, Subject, Unscored};

/// A feed to score.
#[derive(Debug)]
pub struct ScoreRequest {
    /// Whose items are scored.
    pub feed: Arc<RankRequest>,
    /// Which of them, with the keys to remember their scores by.
    pub places: Vec<(usize, Option<CacheKey>)>,
    /// No work begins after it.
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
    pub scores: Vec<(usize, Result<f64, Unscored>)>,
}

/// A batch in the queue.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) feed: Arc<RankRequest>,
    pub(super) deadline: Instant,
    pub(super) tag: usize,
    pub(super) reply: UnboundedSender<Scored>,
    /// The items to score: place in the feed, and the key to remember the score by.
    pub(super) places: Vec<(usize, Option<CacheKey>)>,
}

impl Job {
    pub(super) fn subjects(&self) -> Vec<Subject<'_>> {
        let session = &self.feed.session;
        self.places
            .iter()
            .map(|&(place, _)| Subject {
                item: &self.feed.items[place],
                session,
            })
            .collect()
    }

    /// Answers every item of the batch with the same reason.
    pub(super) fn refuse(self, why: Unscored) {
        let scores = self
            .places
            .into_iter()
            .map(|(place, _)| (place, Err(why)))
            .collect();
        answer(&self.reply, self.tag, scores);
    }
}

/// Sends scores; an asker that has gone misses nothing.
pub(super) fn answer(
    reply: &UnboundedSender<Scored>,
    tag: usize,
    scores: Vec<(usize, Result<f64, Unscored>)>,
) {
    if !scores.is_empty() {
        let _ = reply.send(Scored { tag, scores });
    }
}
