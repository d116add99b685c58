//! Batches that take too long, scorers that fail again and again, requests that share work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, unbounded};
use weir::scoring::pool::{BreakerConfig, PoolConfig, WorkerPool};
use weir::scoring::{CacheKey, ItemScore, ScoreError, Scorer, Subject, Worker};
use weir_feed::{ContentItem, RankRequest};

use super::{By, LONG, Pool, config, feed, scores, start, submit};

/// An item with this text holds its thread until it is let go.
const STUCK: &str = "stuck";

/// Scores 1, but for stuck items; counts its batches and the items in the largest.
struct Gate {
    release: Receiver<()>,
    batches: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
    costly: bool,
}

impl Scorer for Gate {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(Gate {
            release: self.release.clone(),
            batches: Arc::clone(&self.batches),
            largest: Arc::clone(&self.largest),
            costly: self.costly,
        })
    }

    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        Some(xxhash_rust::xxh3::xxh3_128(subject.item.id.as_bytes()))
    }

    fn is_costly(&self) -> bool {
        self.costly
    }
}

impl Worker for Gate {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        self.largest.fetch_max(batch.len(), Ordering::SeqCst);
        if batch.iter().any(|subject| subject.item.text == STUCK) {
            let _ = self.release.recv();
        }
        vec![Ok(1.0.into()); batch.len()]
    }
}

/// A feed whose ids no other feed has.
fn named(name: &str, items: usize) -> Arc<RankRequest> {
    let mut feed = (*feed(items)).clone();
    for item in &mut feed.items {
        item.id = format!("{name} {}", item.id);
    }
    Arc::new(feed)
}

struct Gated {
    pool: Pool,
    release: Sender<()>,
    batches: Arc<AtomicUsize>,
    largest: Arc<AtomicUsize>,
}

fn gated(costly: bool, config: &PoolConfig) -> Gated {
    let (release, gate) = unbounded();
    let (batches, largest) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let scorer = Gate {
        release: gate,
        batches: Arc::clone(&batches),
        largest: Arc::clone(&largest),
        costly,
    };
    Gated {
        pool: start("gated", Box::new(scorer), config),
        release,
        batches,
        largest,
    }
}

/// A feed whose item in this place is stuck.
fn stuck_at(place: usize, items: usize) -> Arc<RankRequest> {
    let mut feed = (*feed(items)).clone();
    STUCK.clone_into(&mut feed.items[place].text);
    Arc::new(feed)
}

/// Waits until a thread works on a batch, then gives up on it as if its time were over.
async fn give_up_on_all(gated: &Gated, batches: usize) {
    while gated.batches.load(Ordering::SeqCst) < batches {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    gated
        .pool
        .workers
        .abandon_overdue(Instant::now() + LONG * 10);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_answered_and_its_thread_replaced() {
    let gated = gated(false, &config(1));
    let late = submit(&gated.pool, &stuck_at(0, 2), LONG);
    give_up_on_all(&gated, 1).await;
    assert_eq!(scores(late).await, vec![Err(ScoreError::Timeout); 2]);
    let counters = &gated.pool.counters;
    assert_eq!(counters.abandoned_threads.load(Ordering::SeqCst), 1);
    assert_eq!(
        scores(submit(&gated.pool, &feed(3), LONG)).await,
        vec![Ok(1.0); 3],
        "another thread works"
    );
    gated.release.send(()).unwrap();
    while counters.abandoned_threads.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(counters.workers.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn only_the_item_that_took_too_long_is_left_out_afterwards() {
    let gated = gated(false, &config(1));
    let feed = stuck_at(1, 3);
    let first = submit(&gated.pool, &feed, LONG);
    give_up_on_all(&gated, 1).await;
    assert_eq!(scores(first).await, vec![Err(ScoreError::Timeout); 3]);

    let alone = submit(&gated.pool, &feed, LONG);
    give_up_on_all(&gated, 3).await;
    let second = scores(alone).await;
    assert_eq!(second, [Ok(1.0), Err(ScoreError::Timeout), Ok(1.0)]);

    let third = scores(submit(&gated.pool, &feed, LONG)).await;
    assert_eq!(third, [Ok(1.0), Err(ScoreError::SlowItem), Ok(1.0)]);
}

#[tokio::test]
async fn with_too_many_orphaned_threads_the_pool_refuses_until_one_returns() {
    let limited = PoolConfig {
        max_abandoned: 1,
        ..config(1)
    };
    let gated = gated(false, &limited);
    let late = submit(&gated.pool, &stuck_at(0, 1), LONG);
    give_up_on_all(&gated, 1).await;
    scores(late).await;
    let refused = scores(submit(&gated.pool, &feed(2), LONG)).await;
    let (slow, open) = (Err(ScoreError::SlowItem), Err(ScoreError::BreakerOpen));
    assert_eq!(refused, [slow, open]);
    assert_eq!(gated.pool.counters.breaker.load(Ordering::SeqCst), 2);

    gated.release.send(()).unwrap();
    while gated.pool.counters.abandoned_threads.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let again = scores(submit(&gated.pool, &feed(2), LONG)).await;
    assert_eq!(again, [slow, Ok(1.0)]);
}

#[tokio::test]
async fn a_scorer_that_keeps_failing_is_skipped_and_tried_later() {
    let works = Arc::new(AtomicUsize::new(0));
    let (calls, asked) = (Arc::clone(&works), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&asked);
    let scorer = By(move |items: &[&ContentItem]| {
        counted.fetch_add(1, Ordering::SeqCst);
        let well = calls.load(Ordering::SeqCst) > 0;
        vec![
            if well {
                Ok(1.0)
            } else {
                Err(ScoreError::Error)
            };
            items.len()
        ]
    });
    let breaker = BreakerConfig {
        failures: 3,
        pause: Duration::from_millis(50),
    };
    let pool = start(
        "broken",
        Box::new(scorer),
        &PoolConfig {
            breaker,
            ..config(1)
        },
    );
    let feed = feed(1);
    for _ in 0..3 {
        assert_eq!(
            scores(submit(&pool, &feed, LONG)).await,
            [Err(ScoreError::Error)]
        );
    }
    assert_eq!(
        scores(submit(&pool, &feed, LONG)).await,
        [Err(ScoreError::BreakerOpen)]
    );
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    works.store(1, Ordering::SeqCst);
    while scores(submit(&pool, &feed, LONG)).await != [Ok(1.0)] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while pool.counters.breaker.load(Ordering::SeqCst) != 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_pool_that_replaces_another_shows_a_breaker_of_its_own() {
    let scorer = || {
        Box::new(By(|items: &[&ContentItem]| {
            vec![Err(ScoreError::Error); items.len()]
        }))
    };
    let breaker = BreakerConfig {
        failures: 1,
        pause: LONG,
    };
    let config = PoolConfig {
        breaker,
        ..config(1)
    };
    let before = start("broken", scorer(), &config);
    scores(submit(&before, &feed(1), LONG)).await;
    assert_eq!(before.counters.breaker.load(Ordering::SeqCst), 2);

    let counters = Arc::clone(&before.counters);
    let _after = WorkerPool::start("broken", scorer(), &config, counters);
    assert_eq!(before.counters.breaker.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn equal_work_under_way_is_waited_for_and_fails_for_all_at_once() {
    let gated = gated(true, &config(1));
    let feed = stuck_at(0, 3);
    let first = submit(&gated.pool, &feed, LONG);
    let second = submit(&gated.pool, &feed, LONG);
    give_up_on_all(&gated, 1).await;
    assert_eq!(scores(first).await, vec![Err(ScoreError::Timeout); 3]);
    assert_eq!(scores(second).await, vec![Err(ScoreError::Timeout); 3]);
    assert_eq!(gated.batches.load(Ordering::SeqCst), 1);
    assert_eq!(gated.pool.counters.coalesced.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn work_whose_caller_left_goes_on_for_those_who_wait_for_it() {
    let gated = gated(true, &config(0));
    let feed = feed(3);
    let first = submit(&gated.pool, &feed, LONG);
    let second = submit(&gated.pool, &feed, LONG);
    drop(first);
    gated.pool.workers.resize(1);
    assert_eq!(scores(second).await, vec![Ok(1.0); 3]);
}

#[tokio::test]
async fn small_requests_share_a_batch_if_it_may_wait() {
    let delayed = PoolConfig {
        max_delay: Duration::from_secs(20),
        ..config(0)
    };
    let gated = gated(false, &delayed);
    let feeds: Vec<_> = (1..=4).map(feed).collect();
    let asked: Vec<_> = feeds
        .iter()
        .map(|feed| submit(&gated.pool, feed, LONG))
        .collect();
    gated.pool.workers.resize(1);
    for (answers, feed) in asked.into_iter().zip(&feeds) {
        assert_eq!(scores(answers).await, vec![Ok(1.0); feed.items.len()]);
    }
    assert_eq!(gated.batches.load(Ordering::SeqCst), 1);
    assert_eq!(gated.largest.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn a_chunk_that_did_not_fit_is_not_lost_with_the_thread_that_took_it() {
    let delayed = PoolConfig {
        max_delay: Duration::from_secs(20),
        ..config(0)
    };
    let gated = gated(true, &delayed);
    let stuck = submit(&gated.pool, &stuck_at(0, 6), LONG);
    let next = submit(&gated.pool, &named("next", 10), LONG);
    gated.pool.workers.resize(1);
    give_up_on_all(&gated, 1).await;
    assert_eq!(scores(stuck).await, vec![Err(ScoreError::Timeout); 6]);
    assert_eq!(scores(next).await, vec![Ok(1.0); 10]);
}
