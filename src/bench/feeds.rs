use actix_web::web::Bytes;
use chrono::Utc;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::seeding::TextGenerator;
use weir_feed::Platform;
use weir_feed::fake::FakeFeed;

/// Seeds are this far apart, so that each platform has its own.
const PLATFORMS: u64 = 3;

/// What the requests of a load are like.
#[derive(Debug, Clone)]
pub struct FeedSpec {
    /// Items in each feed.
    pub items: usize,
    /// About how many characters each text has.
    pub chars: usize,
    /// The share of texts that are some earlier text of the load once more, 0 to 1.
    pub repeat_share: f64,
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

/// Makes `count` feeds of one platform, every text in them another, but for those that repeat one. The feeds of another
/// platform or seed hold other texts.
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

/// Fresh texts, and now and then an earlier one.
struct Texts {
    fresh: TextGenerator,
    chars: usize,
    repeat_share: f64,
    /// Kept only if some are repeated.
    earlier: Vec<String>,
}

impl Texts {
    fn new(spec: &FeedSpec, seed: u64) -> Self {
        Self {
            fresh: TextGenerator::new(seed),
            chars: spec.chars,
            repeat_share: spec.repeat_share,
            earlier: Vec::new(),
        }
    }

    fn next(&mut self, rng: &mut ChaCha8Rng) -> String {
        if self.repeat_share == 0.0 {
            return self.fresh.post(self.chars);
        }
        if rng.random::<f64>() < self.repeat_share
            && let Some(text) = self.earlier.choose(rng)
        {
            return text.clone();
        }
        let text = self.fresh.post(self.chars);
        self.earlier.push(text.clone());
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use weir_feed::RankRequest;

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
    fn fresh_texts_are_all_different_those_of_other_platforms_included() {
        let (reddit, twitter) = (texts(Platform::Reddit, 0.0), texts(Platform::Twitter, 0.0));
        let different = different(reddit.iter().chain(&twitter));
        assert!(different > 1_990, "{different} of 2,000");
    }

    #[test]
    fn as_large_a_share_as_asked_for_is_repeated() {
        let different = different(&texts(Platform::Reddit, 0.5));
        assert!((420..580).contains(&different), "{different} of 1,000");
        assert!(self::different(&texts(Platform::Reddit, 1.0)) == 1);
    }
}
