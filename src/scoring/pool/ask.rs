use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::WorkerPool;
use super::request::{BatchScores, PendingItem, ScoreRequest};
use crate::scoring::{ItemScore, ScoreError, Subject};
use weir_feed::RankRequest;

/// Most bytes of text without a cached score for which a feed is scored inline: the sentiment of as much takes about 0.1 ms
/// (0.73 us for 112 characters, docs/performance.md), which is short enough for the thread of the caller.
const INLINE_BYTES: usize = 16 * 1024;

/// Scores that need no worker.
#[derive(Debug, Default)]
struct CachedScores {
    /// Index of each item and its score.
    known: Vec<(usize, ItemScore)>,
    /// The other items.
    missing: Vec<PendingItem>,
}

impl WorkerPool {
    /// Returns the scores that are known without a worker: cached, or cheap enough to be computed here. The other items are
    /// queued, and their scores arrive on `reply`, tagged with `tag`, by the deadline. Never blocks.
    pub fn ask(
        &self,
        feed: &Arc<RankRequest>,
        deadline: Instant,
        tag: usize,
        reply: &UnboundedSender<BatchScores>,
    ) -> Vec<(usize, ItemScore)> {
        let CachedScores { known, missing } = self.known_scores(feed);
        if !missing.is_empty() {
            let request = ScoreRequest {
                feed: Arc::clone(feed),
                deadline,
                tag,
                reply: reply.clone(),
            };
            self.submit(&request, missing);
        }
        known
    }

    fn known_scores(&self, feed: &RankRequest) -> CachedScores {
        let scores = catch_unwind(AssertUnwindSafe(|| {
            let mut scores = self.look_up(feed);
            self.score_inline(feed, &mut scores);
            scores
        }));
        let shared = &self.shared;
        shared.counters.requests.fetch_add(1, Ordering::Relaxed);
        scores.unwrap_or_else(|_| {
            // The scorer panicked over a key or a text. Its workers may do better without a key.
            shared.counters.panics.fetch_add(1, Ordering::Relaxed);
            let items = feed.items.len();
            shared.failures.note(ScoreError::Panic.into(), items);
            let keyless = |index| PendingItem { index, key: None };
            CachedScores {
                known: Vec::new(),
                missing: (0..items).map(keyless).collect(),
            }
        })
    }

    fn look_up(&self, feed: &RankRequest) -> CachedScores {
        let shared = &self.shared;
        let now = Instant::now();
        let mut scores = CachedScores {
            known: Vec::with_capacity(feed.items.len()),
            missing: Vec::new(),
        };
        for (index, item) in feed.items.iter().enumerate() {
            let subject = Subject::new(feed, item);
            if let Some(score) = shared.scorer.score_inline(subject) {
                scores.known.push((index, Ok(score.into())));
                continue;
            }
            let key = shared.scorer.cache_key(subject);
            if let Some(row) = key.and_then(|key| shared.cache.get(key, now)) {
                scores.known.push((index, Ok(row)));
            } else if key.is_some_and(|key| shared.slow_items.is_confirmed(key, now)) {
                scores.known.push((index, Err(ScoreError::SlowItem)));
            } else {
                if scores.missing.is_empty() {
                    scores.missing.reserve_exact(feed.items.len() - index);
                }
                scores.missing.push(PendingItem { index, key });
            }
        }
        let slow = scores.known.iter().filter(|(_, score)| score.is_err());
        let slow = slow.count();
        if slow > 0 {
            shared.failures.slow_items.increment(slow as u64);
        }
        let cached = (scores.known.len() - slow) as u64;
        shared.counters.cached.fetch_add(cached, Ordering::Relaxed);
        scores
    }

    /// Scores missing items where that costs less than a worker. A pool that gathers batches leaves all of them to its workers.
    fn score_inline(&self, feed: &RankRequest, CachedScores { known, missing }: &mut CachedScores) {
        let bytes = missing
            .iter()
            .map(|item| feed.items[item.index].text_bytes());
        if !self.shared.max_delay.is_zero() || bytes.sum::<usize>() > INLINE_BYTES {
            return;
        }
        let now = Instant::now();
        let before = known.len();
        missing.retain(|&item| {
            let score = self.score_item_inline(feed, item, now);
            known.extend(score.map(|score| (item.index, Ok(score.into()))));
            score.is_none()
        });
        let scored = (known.len() - before) as u64;
        let counters = &self.shared.counters;
        counters.scored.fetch_add(scored, Ordering::Relaxed);
    }

    fn score_item_inline(
        &self,
        feed: &RankRequest,
        PendingItem { index, key }: PendingItem,
        now: Instant,
    ) -> Option<f64> {
        let shared = &self.shared;
        if key.is_some_and(|key| shared.slow_items.state(key, now).is_some()) {
            return None;
        }
        let subject = Subject::new(feed, &feed.items[index]);
        let score = shared.scorer.score_inline_cached(subject)?;
        if !score.is_finite() {
            return None;
        }
        if let Some(key) = key {
            shared.cache.put(key, &score.into(), now);
        }
        Some(score)
    }
}
