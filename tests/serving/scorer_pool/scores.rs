//! Scores, failures of scorers, and scores that are cached.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use weir::scoring::pool::PoolConfig;
use weir::scoring::{CacheKey, RandomScorer, ScoreError, Scorer, Subject, Worker};
use weir_feed::ContentItem;

use super::{By, LONG, config, feed, quiet, scores, start, submit};

#[tokio::test]
async fn every_item_is_scored_and_the_same_seed_and_id_score_the_same() {
    let feed = feed(35);
    let pool = start("random", Box::new(quiet()), &config(2));
    let first = scores(submit(&pool, &feed, LONG)).await;
    let again = scores(submit(&pool, &feed, LONG)).await;
    assert_eq!(first.len(), 35);
    assert!(
        first
            .iter()
            .all(|score| score.is_ok_and(|score| (-1.0..1.0).contains(&score)))
    );
    assert_eq!(first, again);

    let other = start(
        "random",
        Box::new(RandomScorer { seed: 2, ..quiet() }),
        &config(1),
    );
    assert_ne!(first, scores(submit(&other, &feed, LONG)).await);
}

#[tokio::test]
async fn a_panicking_scorer_loses_its_batch_and_keeps_its_thread() {
    let feed = feed(20);
    let pool = start(
        "bad",
        Box::new(RandomScorer {
            panic_rate: 1.0,
            ..quiet()
        }),
        &config(1),
    );
    for _ in 0..3 {
        let scores = scores(submit(&pool, &feed, LONG)).await;
        assert_eq!(scores, vec![Err(ScoreError::Panic); 20]);
    }
    assert_eq!(pool.counters.panics.load(Ordering::SeqCst), 6);
    assert_eq!(pool.counters.workers.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn failures_are_reported_item_by_item() {
    let pool = start(
        "half",
        Box::new(RandomScorer {
            fail_rate: 0.5,
            ..quiet()
        }),
        &config(1),
    );
    let scores = scores(submit(&pool, &feed(200), LONG)).await;
    let failed = scores
        .iter()
        .filter(|score| **score == Err(ScoreError::Error))
        .count();
    assert!((60..140).contains(&failed), "{failed} of 200 failed");
}

#[tokio::test]
async fn nan_and_missing_results_are_bad_results_and_never_cached() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let scorer = By(move |items: &[&ContentItem]| {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut results = vec![Ok(1.0); items.len() - 1];
        results[0] = Ok(f64::NAN);
        results
    });
    let pool = start(
        "odd",
        Box::new(scorer),
        &PoolConfig {
            cache_entries: 100,
            ..config(1)
        },
    );
    let feed = feed(4);
    let expected = vec![
        Err(ScoreError::BadResult),
        Ok(1.0),
        Ok(1.0),
        Err(ScoreError::BadResult),
    ];
    assert_eq!(scores(submit(&pool, &feed, LONG)).await, expected);
    for _ in 0..2 {
        assert_eq!(scores(submit(&pool, &feed, LONG)).await.len(), 4);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(pool.counters.cached.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn cached_scores_need_no_thread() {
    let pool = start(
        "cached",
        Box::new(quiet()),
        &PoolConfig {
            cache_entries: 1_000,
            ..config(1)
        },
    );
    let feed = feed(30);
    let fresh = scores(submit(&pool, &feed, LONG)).await;
    // What came once may never come again.
    assert_eq!(scores(submit(&pool, &feed, LONG)).await, fresh);
    pool.workers.resize(0);
    assert_eq!(scores(submit(&pool, &feed, LONG)).await, fresh);
}

/// A scorer whose keys are its undoing.
struct BadKey;

impl Scorer for BadKey {
    fn worker(&self) -> Box<dyn Worker> {
        quiet().worker()
    }

    fn cache_key(&self, _: Subject<'_>) -> Option<CacheKey> {
        panic!("no key")
    }
}

#[tokio::test]
async fn a_panic_in_cache_key_costs_the_caching_and_not_the_score() {
    let pool = start(
        "keyless",
        Box::new(BadKey),
        &PoolConfig {
            cache_entries: 100,
            ..config(1)
        },
    );
    let scores = scores(submit(&pool, &feed(5), LONG)).await;
    assert!(scores.len() == 5 && scores.iter().all(Result::is_ok));
    assert_eq!(pool.counters.panics.load(Ordering::SeqCst), 1);
}
