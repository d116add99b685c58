//! Requests: fake ones and samples of normalised items.

use std::borrow::Cow;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir_feed::{Platform, RankRequest, parse_timestamp};
use weir_lab::{FakeFeed, pull};

use crate::preprocess::run;
use crate::tweets;

fn fake_feed(platform: Platform) -> FakeFeed {
    FakeFeed {
        posts: 5,
        comments: 2,
        platform,
        now: parse_timestamp("2024-06-01 12:00:00").unwrap(),
    }
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

#[test]
fn a_fake_request_round_trips_and_is_determined_by_the_seed() {
    for &platform in Platform::ALL {
        let request = fake_feed(platform).request(&mut rng());
        assert_eq!(request, fake_feed(platform).request(&mut rng()));
        assert_eq!(request.items.len(), 15);
        assert_eq!(request.distinct_items().len(), 15);
        let json = serde_json::to_vec(&request).unwrap();
        assert_eq!(RankRequest::from_json(&json).unwrap(), request);
    }
}

#[test]
fn a_fake_response_contains_every_item_and_new_ones() {
    let mut rng = rng();
    let feed = fake_feed(Platform::Twitter);
    let request = feed.request(&mut rng);
    let response = feed.response(&mut rng, &request, 2);
    assert_eq!(response.ranked_ids.len(), 17);
    assert_eq!(
        response.ranked_ids[15..],
        response
            .new_items
            .iter()
            .map(|item| Cow::from(&item.id))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_pulled_request_is_valid_random_and_keeps_the_order_of_the_file() {
    let run = run(&[("tweets.jsonl", tweets(500).as_bytes())]);
    let path = run.output.path().join("twitter.jsonl");
    let now = parse_timestamp("2024-06-01 12:00:00").unwrap();
    let pull = |seed, items| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        pull(&path, Platform::Twitter, items, "ann", now, &mut rng).unwrap()
    };
    let request = pull(1, 100);
    let json = serde_json::to_vec(&request).unwrap();
    assert_eq!(RankRequest::from_json(&json).unwrap(), request);
    assert_eq!(
        (request.items.len(), request.distinct_items().len()),
        (100, 100)
    );
    let all: Vec<_> = run
        .items(Platform::Twitter)
        .into_iter()
        .map(|item| item.id)
        .collect();
    let positions: Vec<_> = request
        .items
        .iter()
        .map(|item| all.iter().position(|id| *id == item.id).unwrap())
        .collect();
    assert!(
        positions.is_sorted() && positions[0] < 50 && positions[99] > 450,
        "{positions:?}"
    );
    assert_eq!(pull(1, 100), request);
    assert_ne!(pull(2, 100).items, request.items);
    assert_eq!(pull(1, 1000).items.len(), 500);
}
