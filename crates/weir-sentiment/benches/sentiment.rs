//! `cargo bench --bench sentiment`; `benches/sentiment_reference.py` times the reference on the same posts.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_sentiment::Sentiment;

/// One post a line, of 110 characters on average.
const POSTS: &str = include_str!("../../../benches/posts.txt");

fn sentiment(criterion: &mut Criterion) {
    let posts: Vec<_> = POSTS.lines().collect();
    let mut group = criterion.benchmark_group("sentiment");
    group.throughput(Throughput::Elements(posts.len() as u64));
    group.bench_function("posts", |bencher| {
        bencher.iter(|| {
            posts
                .iter()
                .map(|post| Sentiment::of(black_box(post)).compound)
                .sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(benches, sentiment);
criterion_main!(benches);
