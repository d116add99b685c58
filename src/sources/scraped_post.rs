use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use weir_feed::{
    ContentItem, Engagements, FacebookEngagements, Platform, RedditEngagements, TwitterEngagements,
};

/// A public post, as a source found it. Serialized it is the item with three fields more: `platform`, `url` and
/// `original`.
#[derive(Clone, Debug, Serialize)]
pub struct ScrapedPost {
    /// The post in Weir's vocabulary. Its `id` is unique among all sources: a tweet's own, else with the kind of source
    /// before it.
    #[serde(flatten)]
    pub item: ContentItem,
    /// In whose feeds it can be shown.
    pub platform: Platform,
    /// Where anybody can see it.
    pub url: String,
    /// The post as the source sent it; XML as a string.
    pub original: Box<RawValue>,
}

impl ScrapedPost {
    /// How this platform's posts count, with nothing counted.
    pub(super) fn no_engagements(platform: Platform) -> Engagements {
        match platform {
            Platform::Twitter => Engagements::Twitter(TwitterEngagements::default()),
            Platform::Reddit => Engagements::Reddit(RedditEngagements::default()),
            Platform::Facebook => Engagements::Facebook(FacebookEngagements::default()),
        }
    }
}

/// The first 128 bits of the SHA-256 of `parts`, in hexadecimal.
pub(super) fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest[..16].iter().fold(String::new(), |hex, byte| {
        use std::fmt::Write;
        let mut hex = hex;
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
