use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::request::{ScoreRequest, Scored, Timing};
use crate::scoring::{CacheKey, ScoreError, Subject};
use weir_feed::RankRequest;

/// Items of one request in the queue.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) feed: Arc<RankRequest>,
    pub(super) deadline: Instant,
    pub(super) tag: usize,
    pub(super) reply: UnboundedSender<Scored>,
    /// The items to score: place in the feed, and the key to remember the score by.
    pub(super) places: Vec<(usize, Option<CacheKey>)>,
    pub(super) enqueued: Instant,
    /// Not to share a batch, since its item may be the one that took too long before.
    pub(super) alone: bool,
}

impl Job {
    pub(super) fn new(request: &ScoreRequest, places: &[(usize, Option<CacheKey>)]) -> Self {
        Self {
            feed: Arc::clone(&request.feed),
            deadline: request.deadline,
            tag: request.tag,
            reply: request.reply.clone(),
            places: places.to_vec(),
            enqueued: Instant::now(),
            alone: false,
        }
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        let session = &self.feed.session;
        self.places.iter().map(move |&(place, _)| Subject {
            item: &self.feed.items[place],
            session,
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CacheKey> {
        self.places.iter().filter_map(|&(_, key)| key)
    }

    /// Sends the results, in the order of the places. An asker that has gone misses nothing.
    pub(super) fn answer(
        &self,
        results: impl Iterator<Item = Result<f64, ScoreError>>,
        started: Option<Instant>,
    ) {
        let places = self.places.iter().map(|&(place, _)| place);
        let _ = self.reply.send(Scored {
            tag: self.tag,
            scores: places.zip(results).collect(),
            timing: Timing {
                enqueued: self.enqueued,
                started,
                completed: Instant::now(),
            },
        });
    }
}
