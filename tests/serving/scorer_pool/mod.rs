//! A scorer's threads under good and bad scorers.

mod inline;
mod limits;
mod queue;
mod scores;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use rand::SeedableRng;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use weir::scoring::pool::{
    BatchScores, BreakerConfig, PoolConfig, PoolCounters, Timing, WorkerPool,
};
use weir::scoring::{CacheKey, ItemScore, RandomScorer, ScoreError, Scorer, Subject, Worker};
use weir_feed::{ContentItem, Platform, RankRequest};
use weir_lab::FakeFeed;

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
        time_limit: Duration::from_mins(1),
        cache_entries: 0,
        breaker: BreakerConfig {
            failures: 0,
            ..BreakerConfig::default()
        },
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
    answers: UnboundedReceiver<BatchScores>,
}

/// Asks for the scores of a feed, as a ranker does.
fn submit(pool: &Pool, feed: &Arc<RankRequest>, within: Duration) -> Asked {
    let (reply, answers) = unbounded_channel();
    let deadline = Instant::now() + within;
    let known = pool.workers.ask(feed, deadline, 3, &reply);
    reply
        .send(BatchScores {
            tag: 3,
            scores: known,
            timing: Timing {
                enqueued: Instant::now(),
                started: None,
                completed: Instant::now(),
            },
        })
        .unwrap();
    Asked {
        items: feed.items.len(),
        answers,
    }
}

/// The number of a row that has one.
fn number(row: ItemScore) -> Result<f64, ScoreError> {
    row.map(|row| row.number(0).unwrap())
}

/// Every answer to one request, by place.
async fn scores(mut asked: Asked) -> Vec<Result<f64, ScoreError>> {
    let mut scores = Vec::new();
    while scores.len() < asked.items {
        let answer = asked.answers.recv().await.unwrap();
        assert_eq!(answer.tag, 3);
        scores.extend(answer.scores);
    }
    scores.sort_by_key(|(place, _)| *place);
    assert!(
        scores
            .iter()
            .enumerate()
            .all(|(nth, (place, _))| nth == *place),
        "each place once"
    );
    scores.into_iter().map(|(_, row)| number(row)).collect()
}

const LONG: Duration = Duration::from_secs(30);

/// Scores with a function of the batch.
struct By<F>(F);

impl<F> Scorer for By<F>
where
    F: Fn(&[&ContentItem]) -> Vec<Result<f64, ScoreError>> + Clone + Send + Sync + 'static,
{
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(By(self.0.clone()))
    }

    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey> {
        Some(xxhash_rust::xxh3::xxh3_128(subject.item.id.as_bytes()))
    }
}

impl<F: Fn(&[&ContentItem]) -> Vec<Result<f64, ScoreError>>> Worker for By<F> {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        let items: Vec<&ContentItem> = batch.iter().map(|subject| subject.item).collect();
        let numbers = (self.0)(&items).into_iter();
        numbers.map(|number| number.map(Into::into)).collect()
    }
}
