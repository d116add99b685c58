use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ScrapedPost, SourceError};

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
