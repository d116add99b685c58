use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::SeedingError;
use weir_feed::{ItemKind, Platform};

/// Why a row was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Fewer or more fields than the table has columns.
    WrongNumberOfFields,
    /// A field whose quote is never closed: what follows it in the file is part of it.
    UnclosedQuote,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A line that is not a JSON object.
    NotJson,
    /// A line longer than any tweet.
    LineTooLong,
    /// No id, or no content at all, as for a withheld tweet.
    NoContent,
    /// Neither a post nor a comment.
    UnknownType,
    /// A time that cannot be read, or is out of range.
    UnparseableTime,
    /// A count that is negative or not a number.
    BadCount,
    /// Text that its author or a moderator took away.
    Deleted,
    /// The same id as an earlier row, or the same text under the same post.
    Duplicate,
    /// A comment on a post that is not there.
    PostMissing,
    /// An item of a platform that no user reads.
    NoReader,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Reason {
    /// The reason in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongNumberOfFields => "wrong number of fields",
            Self::UnclosedQuote => "a quote never closed, with all that follows",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::NotJson => "not a JSON object",
            Self::LineTooLong => "line over 1 MiB",
            Self::NoContent => "no id or no content",
            Self::UnknownType => "neither post nor comment",
            Self::UnparseableTime => "unparseable time",
            Self::BadCount => "a count that is negative or not a number",
            Self::Deleted => "deleted text",
            Self::Duplicate => "duplicate",
            Self::NoReader => "a platform that no user reads",
            Self::PostMissing => "comment on a post that is not there",
        }
    }
}

/// Rows of one file left out for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub count: u64,
    /// The line of the first, from 1.
    pub first_line: u64,
}

/// What became of one platform's rows: each is kept or counted among the dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose rows.
    pub platform: Platform,
    /// Posts kept.
    pub posts: u64,
    /// Comments kept.
    pub comments: u64,
    /// The rest, by file and reason.
    pub dropped: BTreeMap<(PathBuf, Reason), Dropped>,
}

impl Report {
    pub(in crate::seeding) fn new(platform: Platform) -> Self {
        Self {
            platform,
            posts: 0,
            comments: 0,
            dropped: BTreeMap::new(),
        }
    }

    /// Items kept.
    pub fn kept(&self) -> u64 {
        self.posts + self.comments
    }

    /// Rows left out.
    pub fn left_out(&self) -> u64 {
        self.dropped.values().map(|dropped| dropped.count).sum()
    }

    pub(in crate::seeding) fn keep(&mut self, kind: ItemKind) {
        match kind {
            ItemKind::Post => self.posts += 1,
            ItemKind::Comment => self.comments += 1,
        }
    }

    pub(in crate::seeding) fn take_back(&mut self, kind: ItemKind) {
        match kind {
            ItemKind::Post => self.posts -= 1,
            ItemKind::Comment => self.comments -= 1,
        }
    }

    pub(in crate::seeding) fn drop(&mut self, path: &Path, line: u64, reason: Reason) {
        let dropped = self
            .dropped
            .entry((path.to_owned(), reason))
            .or_insert(Dropped {
                count: 0,
                first_line: line,
            });
        dropped.count += 1;
        dropped.first_line = dropped.first_line.min(line);
    }

    /// An error that names the main file where nothing at all was kept.
    pub(in crate::seeding) fn check_usable(&self, main: &Path) -> Result<(), SeedingError> {
        if self.kept() > 0 {
            return Ok(());
        }
        Err(self.unusable(main))
    }

    /// The error of a main file from which nothing was kept.
    pub(in crate::seeding) fn unusable(&self, main: &Path) -> SeedingError {
        let first = self
            .dropped
            .iter()
            .min_by_key(|(_, dropped)| dropped.first_line);
        match first {
            Some(((path, reason), dropped)) => SeedingError::NothingUsable {
                path: path.clone(),
                line: dropped.first_line,
                reason: reason.as_str(),
            },
            None => SeedingError::Empty {
                path: main.to_owned(),
            },
        }
    }
}

impl fmt::Display for Report {
    /// Some lines: what was kept, then each reason with its count and first line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (platform, posts, comments, left_out) =
            (self.platform, self.posts, self.comments, self.left_out());
        write!(
            f,
            "{platform}: {posts} posts and {comments} comments kept, {left_out} rows left out"
        )?;
        for ((path, reason), dropped) in &self.dropped {
            let (count, line, path) = (dropped.count, dropped.first_line, path.display());
            write!(f, "\n  {count} for {reason}, the first at {path}:{line}")?;
        }
        Ok(())
    }
}
