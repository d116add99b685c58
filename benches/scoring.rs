//! Scores that need no worker, for a feed of 100 posts: from the cache, of scorers with one and with several outputs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc::unbounded_channel;
use weir::scoring::pool::{PoolConfig, WorkerPool};
use weir::scoring::{
    CacheKey, ItemScore, OutputKind, OutputValue, Outputs, ScoreRow, Scorer, Subject, Worker,
};
use weir_feed::{Platform, RankRequest};
use weir_lab::FakeFeed;

const POSTS: usize = 100;

/// Gives each item the numbers from 0 on, one for each output.
#[derive(Clone)]
struct Counting(Outputs);

impl Scorer for Counting {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(self.clone())
    }

    fn outputs(&self) -> Outputs {
        self.0.clone()
    }

    fn cache_key(&self, Subject { item, .. }: Subject<'_>) -> Option<CacheKey> {
        Some(xxhash_rust::xxh3::xxh3_128(item.text.as_bytes()))
    }

    fn is_costly(&self) -> bool {
        true
    }
}

impl Worker for Counting {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        let numbers = (0..self.0.len()).map(|output| Some(OutputValue::Number(output as f64)));
        let row = ScoreRow::from_values(numbers.collect());
        vec![Ok(row); batch.len()]
    }
}

fn feed() -> Arc<RankRequest> {
    let fake = FakeFeed {
        posts: POSTS,
        comments: 0,
        platform: Platform::Twitter,
        now: Utc::now(),
    };
    Arc::new(fake.request(&mut ChaCha8Rng::seed_from_u64(1)))
}

fn scoring(criterion: &mut Criterion) {
    let feed = feed();
    let mut group = criterion.benchmark_group("scoring");
    group.throughput(Throughput::Elements(POSTS as u64));
    for (name, names) in [
        ("cached, one output", &["a"][..]),
        ("cached, three outputs", &["a", "b", "c"]),
    ] {
        let outputs = Outputs::new(names.iter().map(|&name| (name, OutputKind::Number)));
        let scorer = Box::new(Counting(outputs));
        let pool = WorkerPool::start("counting", scorer, &PoolConfig::default(), Arc::default());
        let (reply, _answers) = unbounded_channel();
        let ask = || {
            let deadline = Instant::now() + Duration::from_secs(1);
            pool.ask(&feed, deadline, 0, &reply)
        };
        while ask().len() < POSTS {
            std::thread::sleep(Duration::from_millis(1));
        }
        group.bench_function(name, |bencher| bencher.iter(ask));
    }
    group.finish();
}

criterion_group!(benches, scoring);
criterion_main!(benches);
