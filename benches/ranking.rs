//! Pure ranking: which of 10 entities each post names, and the order of the feed. Cost per post is to be constant.

use chrono::Utc;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir::ranking::{EntityMatcher, Matching, NamedEntity, Policy, Term, rank};
use weir::seeding::TextGenerator;
use weir_feed::fake::FakeFeed;
use weir_feed::{Platform, RankRequest};

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
    let terms = vec![Term::weighing("sentiment", 0.5)];
    let policy = Policy {
        entity_weight: 1.0,
        terms,
        ..Policy::named("calm")
    };
    let mut group = criterion.benchmark_group("ranking");
    for posts in [100, 1_000] {
        let feed = feed(posts);
        let scores = vec![
            (0..posts)
                .map(|post| Some((post % 7) as f64 / 7.0))
                .collect(),
        ];
        group.throughput(Throughput::Elements(posts as u64));
        group.bench_with_input(
            BenchmarkId::new("match and order", posts),
            &feed,
            |bencher, feed| {
                bencher.iter(|| {
                    let flags = feed
                        .items
                        .iter()
                        .map(|item| matcher.find(item, Matching::Word).is_some())
                        .collect();
                    rank(&policy, &feed.items, Some(&flags), &scores)
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, ranking);
criterion_main!(benches);
