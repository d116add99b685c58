use std::io;

use chrono::DateTime;
use xxhash_rust::xxh3::xxh3_128;

use super::links::links;
use super::pseudonyms::{Pseudonyms, hex};
use super::report::Reason;
use super::table::Row;
use weir_feed::{ContentItem, Engagements, FacebookEngagements, ItemKind, parse_timestamp};

pub(super) const POST_COLUMNS: [&str; 11] = [
    "created_time",
    "message",
    "page_id",
    "post_id",
    "react_like",
    "react_love",
    "react_wow",
    "react_haha",
    "react_sad",
    "react_angry",
    "shares",
];
pub(super) const COMMENT_COLUMNS: [&str; 4] = ["created_time", "from_id", "message", "post_name"];

/// A row of a Facebook page, post or comment, as it goes through the sorts.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageEntry<'a> {
    pub(super) kind: ItemKind,
    /// The post itself, or the one commented on.
    pub(super) post_id: &'a str,
    author: &'a str,
    text: &'a str,
    created_micros: i64,
    pub(super) counts: FacebookEngagements,
}

impl<'a> PageEntry<'a> {
    /// Of a row with [`POST_COLUMNS`].
    pub(super) fn of_post(row: &Row<'a>) -> Result<Self, Reason> {
        let counts = FacebookEngagements {
            like: row.count(4)?,
            love: row.count(5)?,
            wow: row.count(6)?,
            haha: row.count(7)?,
            sad: row.count(8)?,
            angry: row.count(9)?,
            share: row.count(10)?,
            ..FacebookEngagements::default()
        };
        Self::new(ItemKind::Post, row, [0, 1, 2, 3], counts)
    }

    /// Of a row with [`COMMENT_COLUMNS`].
    pub(super) fn of_comment(row: &Row<'a>) -> Result<Self, Reason> {
        Self::new(
            ItemKind::Comment,
            row,
            [0, 2, 1, 3],
            FacebookEngagements::default(),
        )
    }

    fn new(
        kind: ItemKind,
        row: &Row<'a>,
        [time, text, author, post_id]: [usize; 4],
        counts: FacebookEngagements,
    ) -> Result<Self, Reason> {
        let (text, post_id) = (row.get(text)?, row.get(post_id)?);
        if text.is_empty() || post_id.is_empty() {
            return Err(Reason::NoContent);
        }
        let created_at = parse_timestamp(row.get(time)?).ok_or(Reason::UnparseableTime)?;
        Ok(Self {
            kind,
            post_id,
            author: row.get(author)?,
            text,
            created_micros: created_at.timestamp_micros(),
            counts,
        })
    }

    /// Tells texts under one post apart.
    pub(super) fn text_hash(&self) -> u128 {
        xxh3_128(self.text.as_bytes())
    }

    pub(super) fn into_item(self, names: &Pseudonyms) -> ContentItem {
        let post = Pseudonyms::id(self.post_id);
        let time = self.created_micros.to_string();
        let id = match self.kind {
            ItemKind::Post => post,
            ItemKind::Comment => {
                Pseudonyms::of_fields(&[self.post_id, self.author, &time, self.text])
            }
        };
        ContentItem {
            id: hex(&id),
            original_rank: None,
            post_id: (self.kind == ItemKind::Comment).then(|| hex(&post)),
            parent_id: None,
            title: None,
            text: self.text.to_owned(),
            author_name_hash: names.author(self.author),
            kind: self.kind,
            embedded_urls: links(self.text),
            created_at: DateTime::from_timestamp_micros(self.created_micros).unwrap_or_default(),
            engagements: Engagements::Facebook(self.counts),
            language: None,
        }
    }

    /// Kind, time, counts, the lengths of post id and author, and the three strings, in place of what was in `packed`.
    pub(super) fn pack(&self, packed: &mut Vec<u8>) {
        packed.clear();
        packed.push(u8::from(self.kind == ItemKind::Comment));
        packed.extend_from_slice(&self.created_micros.to_le_bytes());
        let c = &self.counts;
        for count in [
            c.like, c.love, c.care, c.haha, c.wow, c.sad, c.angry, c.comment, c.share,
        ] {
            packed.extend_from_slice(&count.to_le_bytes());
        }
        for text in [self.post_id, self.author] {
            packed.extend_from_slice(&(text.len() as u64).to_le_bytes());
        }
        for text in [self.post_id, self.author, self.text] {
            packed.extend_from_slice(text.as_bytes());
        }
    }

    /// What [`PageEntry::pack`] packed.
    pub(super) fn unpack(packed: &'a [u8]) -> io::Result<Self> {
        Self::try_unpack(packed).ok_or_else(|| io::Error::other("a temporary file is damaged"))
    }

    fn try_unpack(packed: &'a [u8]) -> Option<Self> {
        let (&kind, mut rest) = packed.split_first()?;
        let mut number = || {
            let (bytes, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            Some(u64::from_le_bytes(*bytes))
        };
        let created_micros = number()?.cast_signed();
        let counts = FacebookEngagements {
            like: number()?,
            love: number()?,
            care: number()?,
            haha: number()?,
            wow: number()?,
            sad: number()?,
            angry: number()?,
            comment: number()?,
            share: number()?,
        };
        let lengths = [number()?, number()?].map(usize::try_from);
        let [Ok(post_id), Ok(author)] = lengths else {
            return None;
        };
        let strings = std::str::from_utf8(rest).ok()?;
        let (post_id, strings) = strings.split_at_checked(post_id)?;
        let (author, text) = strings.split_at_checked(author)?;
        Some(Self {
            kind: if kind == 0 {
                ItemKind::Post
            } else {
                ItemKind::Comment
            },
            post_id,
            author,
            text,
            created_micros,
            counts,
        })
    }
}
