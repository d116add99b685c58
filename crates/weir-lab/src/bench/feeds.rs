use chrono::Utc;
use hyper::body::Bytes;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weir_feed::Platform;

use crate::{FakeFeed, TextGenerator};

/// Distance between the seeds of two loads, so that each platform has its own.
const PLATFORMS: u64 = 3;

/// Specification of the feeds of a load.
#[derive(Debug, Clone)]
pub struct FeedSpec {
    /// Number of items in each feed.
    pub items: usize,
    /// Approximate number of characters of each text.
    pub chars: usize,
    /// Share of texts that repeat an earlier text of the load, 0 to 1.
    pub repeat_share: f64,
    /// Seed of all random choices.
    pub seed: u64,
}

/// Serialized request with the ids that its response must contain.
pub struct PreparedFeed {
    /// Body of the request.
    pub body: Bytes,
    /// Sorted ids of its items.
    pub ids: Vec<String>,
}

/// Generates `count` feeds of one platform, whose texts differ except for those that repeat one. Feeds of another platform
/// or seed have other texts.
pub fn prepare_feeds(
    spec: &FeedSpec,
    platform: Platform,
    count: usize,
) -> serde_json::Result<Vec<PreparedFeed>> {
    let seed = spec
        .seed
        .wrapping_mul(PLATFORMS)
        .wrapping_add(platform as u64);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut texts = Texts::new(spec, seed);
    let fake = FakeFeed {
        posts: spec.items,
        comments: 0,
        platform,
        now: Utc::now(),
    };
    let prepare = |_| {
        let mut feed = fake.request(&mut rng);
        for item in &mut feed.items {
            item.text = texts.next(&mut rng);
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

/// Source of new and repeated texts.
struct Texts {
    generator: TextGenerator,
    chars: usize,
    repeat_share: f64,
    /// Empty if no text is repeated.
    earlier: Vec<String>,
}

impl Texts {
    fn new(spec: &FeedSpec, seed: u64) -> Self {
        Self {
            generator: TextGenerator::new(seed),
            chars: spec.chars,
            repeat_share: spec.repeat_share,
            earlier: Vec::new(),
        }
    }

    fn next(&mut self, rng: &mut ChaCha8Rng) -> String {
        if self.repeat_share == 0.0 {
            return self.generator.post(self.chars);
        }
        if rng.random::<f64>() < self.repeat_share
            && let Some(text) = self.earlier.choose(rng)
        {
            return text.clone();
        }
        let text = self.generator.post(self.chars);
        self.earlier.push(text.clone());
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use weir_feed::RankRequest;

    use super::*;

    fn texts(platform: Platform, repeat_share: f64) -> Vec<String> {
        let spec = FeedSpec {
            items: 50,
            chars: 110,
            repeat_share,
            seed: 1,
        };
        let feeds = prepare_feeds(&spec, platform, 20).unwrap();
        let items = feeds
            .iter()
            .flat_map(|feed| RankRequest::from_json(&feed.body).unwrap().items);
        items.map(|item| item.text).collect()
    }

    fn different<'t>(texts: impl IntoIterator<Item = &'t String>) -> usize {
        texts.into_iter().collect::<HashSet<_>>().len()
    }

    #[test]
    fn new_texts_differ_also_between_platforms() {
        let (reddit, twitter) = (texts(Platform::Reddit, 0.0), texts(Platform::Twitter, 0.0));
        let different = different(reddit.iter().chain(&twitter));
        assert!(different > 1_990, "{different} of 2,000");
    }

    #[test]
    fn the_requested_share_of_texts_is_repeated() {
        let different = different(&texts(Platform::Reddit, 0.5));
        assert!((420..580).contains(&different), "{different} of 1,000");
        assert!(self::different(&texts(Platform::Reddit, 1.0)) == 1);
    }
}
