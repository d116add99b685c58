use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::sources::Position;

/// One page, and where the source stands after it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The pass that fetched it.
    pub task_id: String,
    /// The source that was asked, by its kind and arguments.
    #[serde(default)]
    pub source: String,
    /// Where the source stands; `None` leaves it where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The posts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<OutboxPost>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// A post that waits to be stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct OutboxPost {
    /// Its id, unique among all sources.
    pub post_id: String,
    /// The post.
    pub blob: Box<RawValue>,
}

impl OutboxEntry {
    /// Whether there is nothing in it to store.
    pub(super) fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.errors.is_empty()
    }
}
