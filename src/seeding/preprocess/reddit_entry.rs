use chrono::{DateTime, Utc};

use super::links::links;
use super::pseudonyms::{Pseudonyms, hex};
use super::report::Reason;
use super::table::Row;
use weir_feed::{
    ContentItem, Engagements, ItemKind, RedditEngagements, is_web_address, parse_timestamp,
};

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
/// What stands in place of a text that was taken away.
const DELETED: [&str; 3] = ["[deleted]", "[removed]", "[deleted by user]"];

/// What a comment says of its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link<'a> {
    /// The post it is under.
    Post(&'a str),
    /// The comment it replies to.
    Comment(&'a str),
    None,
}

/// A row of a Reddit export.
#[derive(Clone, Copy, Debug)]
pub(super) struct RedditEntry<'a> {
    pub(super) kind: ItemKind,
    pub(super) id: &'a str,
    pub(super) link: Link<'a>,
    /// The comment replied to; none at the top of a thread.
    parent: Option<&'a str>,
    title: Option<&'a str>,
    text: &'a str,
    url: &'a str,
    author: &'a str,
    score: i64,
    created_at: DateTime<Utc>,
}

impl<'a> RedditEntry<'a> {
    pub(super) fn of_row(row: &Row<'a>) -> Result<Self, Reason> {
        row.check_shape()?;
        let kind = match row.get(0)?.to_ascii_lowercase().as_str() {
            "post" => ItemKind::Post,
            "comment" => ItemKind::Comment,
            _ => return Err(Reason::UnknownType),
        };
        let (id, title, text) = (row.get(1)?, row.get(2)?, [row.get(3)?, row.get(4)?]);
        let text = if text[1].is_empty() { text[0] } else { text[1] };
        if id.is_empty() || title.is_empty() && text.is_empty() {
            return Err(Reason::NoContent);
        }
        if DELETED.contains(&text) || DELETED.contains(&title) {
            return Err(Reason::Deleted);
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
            created_at: parse_timestamp(row.get(8)?).ok_or(Reason::UnparseableTime)?,
        })
    }

    /// `post` is the pseudonym of a comment's post.
    pub(super) fn into_item(self, names: &Pseudonyms, post: Option<String>) -> ContentItem {
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
            author_name_hash: names.author(self.author),
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
