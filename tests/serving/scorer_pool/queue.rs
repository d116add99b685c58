//! The queue of a pool: late work, a full queue, a pool that is resized or dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use weir::scoring::pool::PoolConfig;
use weir::scoring::{RandomScorer, ScoreError};
use weir_feed::ContentItem;

use super::{By, LONG, config, feed, quiet, scores, start, submit};

#[tokio::test]
async fn work_that_is_late_or_cancelled_is_never_started() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let scorer = By(move |items: &[&ContentItem]| {
        counted.fetch_add(1, Ordering::SeqCst);
        vec![Ok(0.0); items.len()]
    });
    let pool = start("late", Box::new(scorer), &config(0));
    let feed = feed(10);
    let late = submit(&pool, &feed, Duration::ZERO);
    drop(submit(&pool, &feed, LONG));
    let wanted = submit(&pool, &feed, LONG);
    pool.workers.resize(1);

    assert_eq!(scores(late).await, vec![Err(ScoreError::Timeout); 10]);
    assert_eq!(scores(wanted).await, vec![Ok(0.0); 10]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(pool.counters.expired.load(Ordering::SeqCst), 10);
    assert_eq!(pool.counters.abandoned.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn work_that_would_end_too_late_is_not_started_while_other_work_waits() {
    let slow = RandomScorer {
        sleep: Duration::from_millis(300),
        ..quiet()
    };
    let pool = start("slow", Box::new(slow), &config(1));
    let feed = feed(1);
    assert!(scores(submit(&pool, &feed, LONG)).await[0].is_ok());
    pool.workers.resize(0);
    while pool.counters.workers.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let too_late = submit(&pool, &feed, Duration::from_millis(200));
    let in_time = submit(&pool, &feed, LONG);
    pool.workers.resize(1);
    assert_eq!(scores(too_late).await, [Err(ScoreError::Timeout)]);
    assert!(scores(in_time).await[0].is_ok());
    assert_eq!(pool.counters.expired.load(Ordering::SeqCst), 1);
    assert_eq!(pool.counters.scored.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let pool = start(
        "full",
        Box::new(quiet()),
        &PoolConfig {
            queue: 2,
            ..config(0)
        },
    );
    let answers = submit(&pool, &feed(40), LONG);
    pool.workers.resize(1);
    let scores = scores(answers).await;
    assert!(scores[..20].iter().all(Result::is_ok));
    assert_eq!(scores[20..], vec![Err(ScoreError::QueueFull); 20]);
}

#[tokio::test]
async fn a_pool_that_is_dropped_finishes_what_it_was_given() {
    let slow = RandomScorer {
        sleep: Duration::from_millis(1),
        ..quiet()
    };
    let pool = start(
        "dropped",
        Box::new(slow),
        &PoolConfig {
            queue: 1_000,
            ..config(2)
        },
    );
    let feed = feed(50);
    let asked: Vec<_> = (0..10).map(|_| submit(&pool, &feed, LONG)).collect();
    let counters = Arc::clone(&pool.counters);
    drop(pool);
    for answers in asked {
        let scores = scores(answers).await;
        assert!(scores.len() == 50 && scores.iter().all(Result::is_ok));
    }
    let ended = Instant::now() + Duration::from_secs(5);
    while counters.workers.load(Ordering::SeqCst) != 0 {
        assert!(Instant::now() < ended, "its threads never ended");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn resizing_under_load_loses_nothing() {
    let slow = RandomScorer {
        sleep: Duration::from_micros(200),
        ..quiet()
    };
    let pool = start(
        "resized",
        Box::new(slow),
        &PoolConfig {
            queue: 10_000,
            ..config(2)
        },
    );
    let feed = feed(50);
    let mut asked = Vec::new();
    for workers in [8, 1, 4, 2, 16, 3] {
        pool.workers.resize(workers);
        asked.extend((0..20).map(|_| submit(&pool, &feed, LONG)));
    }
    for answers in asked {
        let scores = scores(answers).await;
        assert!(scores.len() == 50 && scores.iter().all(Result::is_ok));
    }
    let settled = Instant::now() + Duration::from_secs(5);
    while pool.counters.workers.load(Ordering::SeqCst) != 3 {
        assert!(
            Instant::now() < settled,
            "the pool never came down to 3 threads"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
