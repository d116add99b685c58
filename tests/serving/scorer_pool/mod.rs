//! A scorer's threads under good and bad scorers.

mod inline;
mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use rand::SeedableRng;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use weir::scoring::pool::{
    PoolConfig, PoolCounters, Recalled, ScoreRequest, Scored, Timing, WorkerPool,
};
use weir::scoring::{CacheKey, RandomScorer, Scorer, Subject, Unscored, Worker};
use weir_feed::fake::FakeFeed;
use weir_feed::{ContentItem, Platform, RankRequest};

fn feed(items: usize) -> Arc<RankRequest> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    Arc::new(
        FakeFeed {
            posts: items,
            comments: 0,
            platform: Platform::Twitter,
            now: Utc::now(),
        }
        .request(&mut rng),
    )
}

fn config(workers: usize) -> PoolConfig {
    PoolConfig {
        workers,
        queue: 64,
        max_batch: 10,
        ..PoolConfig::default()
    }
}

fn quiet() -> RandomScorer {
    RandomScorer {
        seed: 1,
        sleep: Duration::ZERO,
        fail_rate: 0.0,
        panic_rate: 0.0,
    }
}

/// A pool and what it counts.
struct Pool {
    workers: WorkerPool,
    counters: Arc<PoolCounters>,
}

fn start(name: &str, scorer: Box<dyn Scorer>, config: &PoolConfig) -> Pool {
    let counters = Arc::<PoolCounters>::default();
    let workers = WorkerPool::start(name, scorer, config, Arc::clone(&counters));
    Pool { workers, counters }
}

/// A request under way.
struct Asked {
    items: usize,
    answers: UnboundedReceiver<Scored>,
}

/// Takes what the pool remembers and has it score the rest, as a ranker does.
fn submit(pool: &Pool, feed: &Arc<RankRequest>, within: Duration) -> Asked {
    let (reply, answers) = unbounded_channel();
    let Recalled { known, unknown } = pool.workers.recall(feed);
    reply
        .send(Scored {
            tag: 3,
            scores: known,
            timing: Timing {
                enqueued: Instant::now(),
                started: None,
                completed: Instant::now(),
            },
        })
        .unwrap();
    let deadline = Instant::now() + within;
    pool.workers.submit(&ScoreRequest {
        feed: Arc::clone(feed),
        places: unknown,
        deadline,
        tag: 3,
        reply,
    });
    Asked {
        items: feed.items.len(),
        answers,
    }
}

/// Every answer to one request, by place.
async fn scores(mut asked: Asked) -> Vec<Result<f64, Unscored>> {
    let mut scores = Vec::new();
    while scores.len() < asked.items {
        let answer = asked.answers.recv().await.unwrap();
        assert_eq!(answer.tag, 3);
        scores.extend(answer.scores);
    }
    scores.sort_by_key(|&(place, _)| place);
    assert!(
        scores
            .iter()
            .enumerate()
            .all(|(nth, &(place, _))| nth == place),
        "each place once"
    );
    scores.into_iter().map(|(_, score)| score).collect()
}

const LONG: Duration = Duration::from_secs(30);

/// Scores with a function of the batch.
struct By<F>(F);

impl<F> Scorer for By<F>
where
    F: Fn(&[&ContentItem]) -> Vec<Result<f64, Unscored>> + Clone + Send + Sync + 'static,
{
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(By(self.0.clone()))
    }

    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        Some(xxhash_rust::xxh3::xxh3_128(subject.item.id.as_bytes()))
    }
}

impl<F: Fn(&[&ContentItem]) -> Vec<Result<f64, Unscored>>> Worker for By<F> {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, Unscored>> {
        let items: Vec<&ContentItem> = batch.iter().map(|subject| subject.item).collect();
        (self.0)(&items)
    }
}

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
async fn a_panicking_scorer_costs_its_batch_and_not_its_thread() {
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
        assert_eq!(scores, vec![Err(Unscored::Panicked); 20]);
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
        .filter(|score| **score == Err(Unscored::Failed))
        .count();
    assert!((60..140).contains(&failed), "{failed} of 200 failed");
}

#[tokio::test]
async fn nan_and_missing_results_are_bad_results_and_never_remembered() {
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
        Err(Unscored::BadResult),
        Ok(1.0),
        Ok(1.0),
        Err(Unscored::BadResult),
    ];
    assert_eq!(scores(submit(&pool, &feed, LONG)).await, expected);
    for _ in 0..2 {
        assert_eq!(scores(submit(&pool, &feed, LONG)).await.len(), 4);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(pool.counters.cached.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn remembered_scores_need_no_thread() {
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
async fn a_panic_over_a_key_costs_the_memory_and_not_the_score() {
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

#[tokio::test]
async fn work_that_is_late_or_unwanted_is_never_begun() {
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

    assert_eq!(scores(late).await, vec![Err(Unscored::TimedOut); 10]);
    assert_eq!(scores(wanted).await, vec![Ok(0.0); 10]);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(pool.counters.expired.load(Ordering::SeqCst), 10);
    assert_eq!(pool.counters.abandoned.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn work_that_would_end_too_late_is_not_begun_while_other_work_waits() {
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
    assert_eq!(scores(too_late).await, [Err(Unscored::TimedOut)]);
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
    assert_eq!(scores[20..], vec![Err(Unscored::QueueFull); 20]);
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
