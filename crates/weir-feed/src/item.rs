use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::parse::choice::choice;
use crate::parse::{self, time};
use crate::{Engagements, web_address};

choice! {
    /// Whether an item is a post or a comment.
    ItemKind {
        Post = "post",
        Comment = "comment",
    }
}

/// A post or comment of a feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentItem {
    /// Unique in the feed, and as far as the client can make it the same in later feeds.
    pub id: String,
    /// The place the platform gave it, from 0.
    #[serde(default, deserialize_with = "parse::optional_count")]
    pub original_rank: Option<u64>,
    /// The post a comment belongs to.
    #[serde(default)]
    pub post_id: Option<String>,
    /// The comment a comment replies to.
    #[serde(default)]
    pub parent_id: Option<String>,
    /// The title of a Reddit post.
    #[serde(default)]
    pub title: Option<String>,
    /// The text, possibly empty.
    pub text: String,
    /// Salted hash of the author's name.
    pub author_name_hash: String,
    /// Post or comment.
    #[serde(rename = "type")]
    pub kind: ItemKind,
    /// Addresses of links, images and videos in the item, as received.
    #[serde(default, deserialize_with = "web_address::list")]
    pub embedded_urls: Vec<String>,
    /// When it was written.
    #[serde(deserialize_with = "time::timestamp")]
    pub created_at: DateTime<Utc>,
    /// Reactions, shares and comments, as the platform counts them.
    pub engagements: Engagements,
    /// The language, where the platform says it.
    #[serde(default)]
    pub language: Option<String>,
}

impl ContentItem {
    /// How much text there is, in bytes of title and text together.
    pub fn text_bytes(&self) -> usize {
        self.text.len() + self.title.as_ref().map_or(0, String::len)
    }

    /// What scorers and entity extraction read: the title, a newline and the text, or the text alone without a title.
    #[inline]
    pub fn analysed_text(&self) -> Cow<'_, str> {
        match self.title.as_deref() {
            None | Some("") => Cow::Borrowed(&self.text),
            Some(title) => Cow::Owned(format!("{title}\n{}", self.text)),
        }
    }
}
