use std::io;

use chrono::DateTime;
use weir_feed::{ContentItem, Engagements, FacebookEngagements, ItemKind, parse_timestamp};
use xxhash_rust::xxh3::xxh3_128;

use super::content::{Pseudonyms, hex, links};
use crate::DropReason;
use crate::input::Row;

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

/// Post or comment of a Facebook page, in the form that is sorted.
#[derive(Clone, Copy, Debug)]
pub(super) struct FacebookEntry<'a> {
    pub(super) kind: ItemKind,
    /// Id of the post itself, or of the one commented on.
    pub(super) post_id: &'a str,
    author: &'a str,
    text: &'a str,
    created_micros: i64,
    pub(super) counts: FacebookEngagements,
}

impl<'a> FacebookEntry<'a> {
    /// Parses a row with [`POST_COLUMNS`].
    pub(super) fn from_post(row: &Row<'a>) -> Result<Self, DropReason> {
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

    /// Parses a row with [`COMMENT_COLUMNS`].
    pub(super) fn from_comment(row: &Row<'a>) -> Result<Self, DropReason> {
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
    ) -> Result<Self, DropReason> {
        let (text, post_id) = (row.get(text)?, row.get(post_id)?);
        if text.is_empty() || post_id.is_empty() {
            return Err(DropReason::NoContent);
        }
        let created_at = parse_timestamp(row.get(time)?).ok_or(DropReason::UnparseableTime)?;
        Ok(Self {
            kind,
            post_id,
            author: row.get(author)?,
            text,
            created_micros: created_at.timestamp_micros(),
            counts,
        })
    }

    /// Returns a hash that identifies the text among those under one post.
    pub(super) fn text_hash(&self) -> u128 {
        xxh3_128(self.text.as_bytes())
    }

    pub(super) fn into_item(self, pseudonyms: &Pseudonyms) -> ContentItem {
        let post = Pseudonyms::id(self.post_id);
        let time = self.created_micros.to_string();
        let id = match self.kind {
            ItemKind::Post => post,
            ItemKind::Comment => {
                Pseudonyms::for_fields(&[self.post_id, self.author, &time, self.text])
            }
        };
        ContentItem {
            id: hex(&id),
            original_rank: None,
            post_id: (self.kind == ItemKind::Comment).then(|| hex(&post)),
            parent_id: None,
            title: None,
            text: self.text.to_owned(),
            author_name_hash: pseudonyms.author(self.author),
            kind: self.kind,
            embedded_urls: links(self.text),
            created_at: DateTime::from_timestamp_micros(self.created_micros).unwrap_or_default(),
            engagements: Engagements::Facebook(self.counts),
            language: None,
        }
    }

    /// Replaces the content of `packed` by kind, time, counts, the lengths of post id and author, and the three strings.
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

    /// Reverts [`FacebookEntry::pack`].
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
