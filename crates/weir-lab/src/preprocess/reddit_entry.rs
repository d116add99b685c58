use chrono::{DateTime, Utc};
use weir_feed::{
    ContentItem, Engagements, ItemKind, RedditEngagements, is_web_address, parse_timestamp,
};

use super::content::{Pseudonyms, hex, links};
use crate::DropReason;
use crate::input::Row;

pub(super) const COLUMNS: [&str; 10] = [
    "type",
    "id",
    "title",
    "selftext",
    "body",
    "author",
    "ups",
    "downs",
    "created_utc",
    "parent_id",
];
pub(super) const OPTIONAL_COLUMNS: [&str; 2] = ["link_id", "url"];
/// Placeholders of deleted texts.
const DELETED: [&str; 3] = ["[deleted]", "[removed]", "[deleted by user]"];

/// Link of a comment to its thread.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link<'a> {
    /// Post that the comment is on.
    Post(&'a str),
    /// Comment that it replies to.
    Comment(&'a str),
    None,
}

/// Row of a Reddit export.
#[derive(Clone, Copy, Debug)]
pub(super) struct RedditEntry<'a> {
    pub(super) kind: ItemKind,
    pub(super) id: &'a str,
    pub(super) link: Link<'a>,
    /// Comment replied to; `None` at the top of a thread.
    parent: Option<&'a str>,
    title: Option<&'a str>,
    text: &'a str,
    url: &'a str,
    author: &'a str,
    score: i64,
    created_at: DateTime<Utc>,
}

impl<'a> RedditEntry<'a> {
    pub(super) fn from_row(row: &Row<'a>) -> Result<Self, DropReason> {
        row.check_shape()?;
        let kind = match row.get(0)?.to_ascii_lowercase().as_str() {
            "post" => ItemKind::Post,
            "comment" => ItemKind::Comment,
            _ => return Err(DropReason::UnknownType),
        };
        let (id, title, text) = (row.get(1)?, row.get(2)?, [row.get(3)?, row.get(4)?]);
        let text = if text[1].is_empty() { text[0] } else { text[1] };
        if id.is_empty() || title.is_empty() && text.is_empty() {
            return Err(DropReason::NoContent);
        }
        if DELETED.contains(&text) || DELETED.contains(&title) {
            return Err(DropReason::Deleted);
        }
        let votes = [row.number(6)?.max(0), row.number(7)?.max(0)];
        let parent = row.get(9)?;
        Ok(Self {
            kind,
            id,
            link: link(row.get(10)?, parent),
            parent: (kind == ItemKind::Comment && !parent.is_empty() && !parent.starts_with("t3_"))
                .then_some(parent),
            title: (!title.is_empty()).then_some(title),
            text,
            url: row.get(11)?,
            author: row.get(5)?,
            score: votes[0] - votes[1],
            created_at: parse_timestamp(row.get(8)?).ok_or(DropReason::UnparseableTime)?,
        })
    }

    /// Converts the row into an item; `post` is the pseudonym of a comment's post.
    pub(super) fn into_item(self, pseudonyms: &Pseudonyms, post: Option<String>) -> ContentItem {
        let mut embedded_urls = links(self.text);
        if is_web_address(self.url) {
            embedded_urls.push(self.url.to_owned());
        }
        ContentItem {
            id: hex(&Pseudonyms::id(self.id)),
            original_rank: None,
            post_id: post,
            parent_id: self.parent.map(|parent| hex(&Pseudonyms::id(parent))),
            title: self.title.map(str::to_owned),
            text: self.text.to_owned(),
            author_name_hash: pseudonyms.author(self.author),
            kind: self.kind,
            embedded_urls,
            created_at: self.created_at,
            engagements: Engagements::Reddit(RedditEngagements {
                score: Some(self.score),
                ..RedditEngagements::default()
            }),
            language: None,
        }
    }
}

fn link<'a>(link_id: &'a str, parent: &'a str) -> Link<'a> {
    if !link_id.is_empty() {
        Link::Post(link_id)
    } else if parent.starts_with("t3_") {
        Link::Post(parent)
    } else if !parent.is_empty() {
        Link::Comment(parent)
    } else {
        Link::None
    }
}
