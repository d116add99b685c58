//! Feeds to rank, and what answers say of them.

use chrono::Utc;
use rand::SeedableRng;
use serde_json::{Value, json};
use weir_feed::{Platform, RankRequest};
use weir_lab::FakeFeed;

/// A feed of `texts`, in this order.
pub fn feed_of(texts: &[&str]) -> RankRequest {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let fake = FakeFeed {
        posts: texts.len(),
        comments: 0,
        platform: Platform::Reddit,
        now: Utc::now(),
    };
    let mut feed = fake.request(&mut rng);
    for (item, text) in feed.items.iter_mut().zip(texts) {
        (*text).clone_into(&mut item.text);
        item.title = None;
    }
    feed
}

/// Returns the index in `feed` of each id of an answer, which must have every id once.
pub fn ranked_indices(feed: &RankRequest, answer: &Value) -> Vec<usize> {
    let index = |id: &Value| {
        feed.items
            .iter()
            .position(|item| *id == json!(item.id))
            .unwrap()
    };
    let indices: Vec<usize> = answer["ranked_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(index)
        .collect();
    let mut sorted = indices.clone();
    sorted.sort_unstable();
    assert!(
        sorted.into_iter().eq(0..feed.items.len()),
        "every id once: {indices:?}"
    );
    indices
}

/// Top entities as the job writes them, counted just now.
pub fn top_entities(names: &[&str]) -> Value {
    let counted: Vec<_> = names.iter().map(|name| json!([name, 1])).collect();
    json!({"top_named_entities": counted, "forms": {}, "timestamp": Utc::now()})
}
