//! Reading requests and writing answers, the part of `/rank` that every request pays.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir_feed::{Platform, RankRequest, parse_timestamp, raw_items};
use weir_lab::FakeFeed;

fn feed(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut group = criterion.benchmark_group("feed");
    for &platform in Platform::ALL {
        let shape = FakeFeed {
            posts: 100,
            comments: 0,
            platform,
            now: parse_timestamp("2024-06-01 12:00:00").unwrap_or_default(),
        };
        let request = shape.request(&mut rng);
        let body = serde_json::to_vec(&request).unwrap_or_default();
        let response = shape.response(&mut rng, &request, 0);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(format!("read 100 posts of {platform}"), |bench| {
            bench.iter(|| RankRequest::from_json(black_box(&body)));
        });
        group.bench_function(format!("raw items of 100 posts of {platform}"), |bench| {
            bench.iter(|| raw_items(black_box(&body)).map(|items| items.len()));
        });
        group.bench_function(
            format!("distinct items of 100 posts of {platform}"),
            |bench| {
                bench.iter(|| black_box(&request).distinct_items());
            },
        );
        group.bench_function(
            format!("write an answer of 100 ids of {platform}"),
            |bench| {
                bench.iter(|| serde_json::to_vec(black_box(&response)));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, feed);
criterion_main!(benches);
