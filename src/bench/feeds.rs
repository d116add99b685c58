use actix_web::web::Bytes;
use chrono::Utc;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::feed::Platform;
use crate::feed::fake::FakeFeed;
use crate::seeding::TextGenerator;

/// What the requests of a load are like.
#[derive(Debug, Clone)]
pub struct FeedSpec {
    /// Items in each feed.
    pub items: usize,
    /// About how many characters each text has.
    pub chars: usize,
    /// What everything is drawn from.
    pub seed: u64,
}

/// A request ready to be sent, and what its answer must hold.
pub struct PreparedFeed {
    /// The request's body.
    pub body: Bytes,
    /// The ids of its items, sorted.
    pub ids: Vec<String>,
}

/// Makes `count` feeds of one platform, every text in them another.
pub fn prepare_feeds(
    spec: &FeedSpec,
    platform: Platform,
    count: usize,
) -> serde_json::Result<Vec<PreparedFeed>> {
    let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
    let mut texts = TextGenerator::new(spec.seed);
    let fake = FakeFeed {
        posts: spec.items,
        comments: 0,
        platform,
        now: Utc::now(),
    };
    let prepare = |_| {
        let mut feed = fake.request(&mut rng);
        for item in &mut feed.items {
            item.text = texts.post(spec.chars);
            item.title = None;
        }
        let mut ids: Vec<String> = feed.items.iter().map(|item| item.id.clone()).collect();
        ids.sort_unstable();
        Ok(PreparedFeed {
            body: serde_json::to_vec(&feed)?.into(),
            ids,
        })
    };
    (0..count).map(prepare).collect()
}
