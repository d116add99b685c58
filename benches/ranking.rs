//! Pure ranking: which of 10 entities each post names, and the order of the feed. Cost per post is to be constant.

use std::sync::Arc;

use chrono::Utc;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir::ranking::stages::{diversity, fixed_positions, ordering, removal, threading};
use weir::ranking::{
    EntityMatch, EntityMatcher, EntityMatches, NamedEntity, Policy, ScorerTerm, Slate, TopEntitySet,
};
use weir_feed::{Platform, RankRequest};
use weir_lab::FakeFeed;
use weir_lab::TextGenerator;

const NAMES: [&str; 10] = [
    "Donald Trump",
    "NASA",
    "Barack Obama",
    "London",
    "Google",
    "Apple",
    "New York",
    "Taylor Swift",
    "Russia",
    "Amazon",
];

fn feed(posts: usize) -> RankRequest {
    let fake = FakeFeed {
        posts,
        comments: 0,
        platform: Platform::Twitter,
        now: Utc::now(),
    };
    let mut feed = fake.request(&mut ChaCha8Rng::seed_from_u64(1));
    let mut texts = TextGenerator::new(1);
    feed.items
        .iter_mut()
        .for_each(|item| item.text = texts.post(110));
    feed
}

fn ranking(criterion: &mut Criterion) {
    let named = NAMES.map(|name| NamedEntity {
        name: name.to_owned(),
        forms: vec![name.to_uppercase()],
    });
    let Ok(matcher) = EntityMatcher::new(&named) else {
        return;
    };
    let as_of = Utc::now();
    let entities = Arc::new(TopEntitySet { matcher, as_of });
    let mut policy = Policy::incoming_order("calm");
    policy.config.entity_weight = 1.0;
    policy.terms = vec![ScorerTerm::new("sentiment", 0.5)];
    let mut group = criterion.benchmark_group("ranking");
    for posts in [100, 1_000] {
        let feed = feed(posts);
        let scores: Vec<_> = (0..posts)
            .map(|post| Some((post % 7) as f64 / 7.0))
            .collect();
        group.throughput(Throughput::Elements(posts as u64));
        group.bench_with_input(
            BenchmarkId::new("match and order", posts),
            &feed,
            |bencher, feed| {
                bencher.iter(|| {
                    let entities = Arc::clone(&entities);
                    let found = EntityMatches::find(&feed.items, EntityMatch::Word, entities);
                    let scores = vec![scores.clone()];
                    let mut slate = Slate::new(&feed.items, scores, Some(found));
                    removal::apply(&mut slate, &policy);
                    ordering::apply(&mut slate, &policy);
                    diversity::apply(&mut slate, &policy);
                    fixed_positions::apply(&mut slate, &policy);
                    threading::apply(&mut slate, &policy);
                    slate.order
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, ranking);
criterion_main!(benches);
