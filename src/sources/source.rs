use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::SourceError;
use weir_feed::{
    ContentItem, Engagements, FacebookEngagements, Platform, RedditEngagements, TwitterEngagements,
};

/// Something on the net that publishes posts.
///
/// A source keeps nothing: where it stands is the [`Position`] that the caller hands in, and stores before it asks for
/// more. Asked twice from the same position it may answer the same posts twice, but it leaves none out.
#[async_trait]
pub trait Source: Send + Sync {
    /// Fetches one page of what was published after `from`, about `limit` posts at the most.
    async fn fetch(&self, from: &Position, limit: usize) -> Result<Fetched, SourceError>;
}

/// One page of a source.
#[derive(Debug, Default)]
pub struct Fetched {
    /// What was published.
    pub posts: Vec<ScrapedPost>,
    /// What could not be read as a post, and why; without the text of a post.
    pub unreadable: Vec<String>,
    /// Where the next page begins.
    pub next: Position,
    /// Whether there is more to be had at once.
    pub more: bool,
}

/// Where a source stands, in the source's own words. The default is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(Value);

impl Position {
    /// The position that `cursor` describes.
    pub fn new(cursor: &impl Serialize) -> Self {
        Self(serde_json::to_value(cursor).unwrap_or_default())
    }

    /// The cursor as it was written, or its default at the beginning and where another kind of source has been.
    pub fn cursor<T: DeserializeOwned + Default>(&self) -> T {
        T::deserialize(&self.0).unwrap_or_default()
    }
}

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
