use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::WorkerPool;
use crate::scoring::{CacheKey, ScoreError, Subject};
use weir_feed::RankRequest;

/// A feed with so many bytes of unknown text at most is scored on the spot: the sentiment of as much takes about 0.1 ms
/// (0.73 us for 112 characters, docs/performance.md), which is short enough for a ranker's own thread.
const ON_THE_SPOT_BYTES: usize = 16 * 1024;

/// A feed as far as a pool can tell its scores without a thread.
#[derive(Debug, Default)]
pub struct Recalled {
    /// Places and their scores.
    pub known: Vec<(usize, Result<f64, ScoreError>)>,
    /// The other places, with the keys to remember their scores by.
    pub unknown: Vec<(usize, Option<CacheKey>)>,
}

impl WorkerPool {
    /// What can be told of a feed's scores without a thread, and what is left to [`submit`](Self::submit).
    pub fn recall(&self, feed: &RankRequest) -> Recalled {
        let told = catch_unwind(AssertUnwindSafe(|| {
            let mut recalled = self.look_up(feed);
            self.score_on_the_spot(feed, &mut recalled);
            recalled
        }));
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        told.unwrap_or_else(|_| {
            // The scorer's code panicked over a key or a text. Its workers may do better without one.
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
            let panicked = ScoreError::Panic.into();
            self.shared.failures.note(panicked, feed.items.len());
            Recalled {
                known: Vec::new(),
                unknown: (0..feed.items.len()).map(|place| (place, None)).collect(),
            }
        })
    }

    fn look_up(&self, feed: &RankRequest) -> Recalled {
        let shared = &self.shared;
        let (session, now) = (&feed.session, Instant::now());
        let mut recalled = Recalled {
            known: Vec::with_capacity(feed.items.len()),
            unknown: Vec::new(),
        };
        for (place, item) in feed.items.iter().enumerate() {
            let subject = Subject { item, session };
            if let Some(score) = shared.scorer.at_once(subject) {
                recalled.known.push((place, Ok(score)));
                continue;
            }
            let key = shared.scorer.cache_key(subject);
            if let Some(score) = key.and_then(|key| shared.cache.get(key, now)) {
                recalled.known.push((place, Ok(score)));
            } else if key.is_some_and(|key| shared.overruns.is_guilty(key, now)) {
                recalled.known.push((place, Err(ScoreError::SlowItem)));
            } else {
                if recalled.unknown.is_empty() {
                    recalled.unknown.reserve_exact(feed.items.len() - place);
                }
                recalled.unknown.push((place, key));
            }
        }
        let slow = recalled.known.iter().filter(|(_, score)| score.is_err());
        match slow.count() as u64 {
            0 => {}
            slow => shared.failures.slow_items.increment(slow),
        }
        let cached = recalled.known.len() as u64;
        shared.counters.cached.fetch_add(cached, Ordering::Relaxed);
        recalled
    }

    /// Scores what is unknown where that is less work than to hand it over. A pool that gathers batches gets all of it.
    fn score_on_the_spot(&self, feed: &RankRequest, Recalled { known, unknown }: &mut Recalled) {
        let bytes = unknown
            .iter()
            .map(|&(place, _)| feed.items[place].text_bytes());
        if !self.shared.max_delay.is_zero() || bytes.sum::<usize>() > ON_THE_SPOT_BYTES {
            return;
        }
        let now = Instant::now();
        let before = known.len();
        unknown.retain(|&(place, key)| {
            let score = self.on_the_spot(feed, place, key, now);
            known.extend(score.map(|score| (place, Ok(score))));
            score.is_none()
        });
        let scored = (known.len() - before) as u64;
        self.shared
            .counters
            .scored
            .fetch_add(scored, Ordering::Relaxed);
    }

    fn on_the_spot(
        &self,
        feed: &RankRequest,
        place: usize,
        key: Option<CacheKey>,
        now: Instant,
    ) -> Option<f64> {
        let shared = &self.shared;
        if key.is_some_and(|key| shared.overruns.verdict(key, now).is_some()) {
            return None;
        }
        let (item, session) = (&feed.items[place], &feed.session);
        let score = shared.scorer.on_the_spot(Subject { item, session })?;
        if let Some(key) = key {
            shared.cache.put(key, score, now);
        }
        Some(score)
    }
}
