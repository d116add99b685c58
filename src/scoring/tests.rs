//! What the tests of scorers share.

use chrono::Utc;
use rand::SeedableRng;

use weir_feed::fake::FakeFeed;
use weir_feed::{Platform, RankRequest};

/// A feed of one post.
pub(super) fn feed() -> RankRequest {
    FakeFeed {
        posts: 1,
        comments: 0,
        platform: Platform::Twitter,
        now: Utc::now(),
    }
    .request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(5))
}
