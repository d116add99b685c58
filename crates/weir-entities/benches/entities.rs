//! Posts per second of the entity extractor on one core: tokens, features, labels, confidences.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use weir_entities::{Extractor, Scratch, Token, tokenize};

/// Twelve posts of 110 characters, made up, of the kinds a feed holds.
const POSTS: [&str; 12] = [
    "Just landed in San Francisco and the fog is unreal, meeting Maria Lopez at Blue Bottle before the Google event",
    "honestly cant believe manchester united lost again, someone tell the manager to wake up before london laughs..",
    "BREAKING: Prime Minister Jane Whitfield to visit Berlin and Warsaw next week, sources at the Foreign Office say",
    "RT @newsdesk: Flooding closes roads across Yorkshire; the Red Cross opens shelters in Leeds https://t.co/a1b2c3",
    "my mum just discovered emojis and now every single text is 12 flamingos and a cake, please send help immediately",
    "Apple's new phone vs. Samsung's: watched both keynotes so you don't have to. Short version: nobody needs either.",
    "Can we talk about how good Viola Davis was last night? Whole cinema in Brooklyn stood up and clapped at the end!",
    "Anyone else's train from Birmingham New Street stuck outside Coventry for 40 mins now? #trains #fail @networkrail",
    "Dr. Amir Khan of St. Mary's Hospital told the BBC that the U.S. trial results look promising but early, he said.",
    "ok so i tried that pasta recipe everybody is sharing and it is actually great?? who knew feta could do all that.",
    "UNICEF and the World Health Organization warn of measles in Lagos, Nairobi and Dhaka as clinics run out of doses",
    "Selling two tickets for Arcade Fire in Toronto on Friday, face value, DM me. Section 104, row F, great view btw!",
];

fn entities(criterion: &mut Criterion) {
    let extractor = Extractor::bundled();
    let mut group = criterion.benchmark_group("entities");
    group.throughput(Throughput::Elements(POSTS.len() as u64));
    group.bench_function("extract", |bencher| {
        let mut scratch = Scratch::default();
        bencher.iter(|| {
            POSTS
                .iter()
                .map(|post| extractor.entities(black_box(post), &mut scratch).len())
                .sum::<usize>()
        });
    });
    group.bench_function("tokenize", |bencher| {
        let mut tokens: Vec<Token> = Vec::new();
        bencher.iter(|| {
            for post in POSTS {
                tokenize(black_box(post), &mut tokens);
            }
            tokens.len()
        });
    });
    group.finish();
}

criterion_group!(benches, entities);
criterion_main!(benches);
