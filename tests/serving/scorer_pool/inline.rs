//! Scorers that need no thread for little text.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use weir::scoring::pool::PoolConfig;
use weir::scoring::{CacheKey, ItemScore, Scorer, SentimentScorer, Subject, Worker};
use weir_feed::RankRequest;
use weir_sentiment::Sentiment;

use super::{Pool, config, feed, start};

fn feed_of_texts(items: usize, bytes: usize) -> Arc<RankRequest> {
    let mut feed = Arc::unwrap_or_clone(feed(items));
    for (n, item) in feed.items.iter_mut().enumerate() {
        item.title = None;
        item.text = format!("{n} is great ").repeat(bytes);
        item.text.truncate(bytes);
    }
    Arc::new(feed)
}

/// Scores that are known at once.
fn known(pool: &Pool, feed: &Arc<RankRequest>) -> Vec<(usize, ItemScore)> {
    let (reply, _) = tokio::sync::mpsc::unbounded_channel();
    let deadline = std::time::Instant::now() + super::LONG;
    pool.workers.ask(feed, deadline, 0, &reply)
}

#[test]
fn short_feeds_are_scored_inline_and_long_ones_by_the_pool() {
    let pool = start("sentiment", Box::new(SentimentScorer {}), &config(2));
    let little = feed_of_texts(16, 1_024);
    let scores = known(&pool, &little);
    assert_eq!(scores.len(), 16);
    for (place, score) in scores {
        let expected = Sentiment::of(&little.items[place].text).compound;
        assert_eq!(score, Ok(expected.into()));
    }
    assert_eq!(pool.counters.scored.load(Ordering::SeqCst), 16);
    let much = feed_of_texts(17, 1_024);
    assert!(known(&pool, &much).is_empty());
}

#[test]
fn what_was_scored_inline_is_cached() {
    let remembers = PoolConfig {
        cache_entries: 100,
        ..config(2)
    };
    let pool = start("sentiment", Box::new(SentimentScorer {}), &remembers);
    let feed = feed_of_texts(4, 100);
    for cached in [0, 0, 4] {
        assert_eq!(known(&pool, &feed).len(), 4);
        assert_eq!(pool.counters.cached.load(Ordering::SeqCst), cached);
    }
}

#[test]
fn a_pool_that_gathers_batches_gets_all_of_it() {
    let gathers = PoolConfig {
        max_delay: Duration::from_millis(1),
        ..config(1)
    };
    let pool = start("sentiment", Box::new(SentimentScorer {}), &gathers);
    assert!(known(&pool, &feed_of_texts(4, 100)).is_empty());
}

/// Panics over the text "2 …", and tells who scored.
struct Moody;

impl Scorer for Moody {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(Self)
    }

    fn cache_key(&self, _: Subject<'_>) -> Option<CacheKey> {
        None
    }

    fn score_inline_cached(&self, subject: Subject<'_>) -> Option<f64> {
        assert!(!subject.item.text.starts_with('2'), "moody");
        Some(1.0)
    }
}

impl Worker for Moody {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        assert!(
            thread::current()
                .name()
                .is_some_and(|name| name == "scorer-moody")
        );
        vec![Ok(2.0.into()); batch.len()]
    }
}

#[tokio::test]
async fn a_panic_inline_leaves_the_feed_to_the_threads() {
    let pool = start("moody", Box::new(Moody), &config(1));
    let calm = super::submit(&pool, &feed_of_texts(2, 50), super::LONG);
    assert_eq!(super::scores(calm).await, [Ok(1.0); 2]);
    let moody = super::submit(&pool, &feed_of_texts(3, 50), super::LONG);
    assert_eq!(super::scores(moody).await, [Ok(2.0); 3]);
    assert_eq!(pool.counters.panics.load(Ordering::SeqCst), 1);
}
