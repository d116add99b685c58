use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use weir_feed::{ItemKind, Platform};

use crate::LabError;

/// Reason why a row was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// Fewer or more fields than the table has columns.
    WrongNumberOfFields,
    /// A quoted field that does not end, and takes in the rest of the file.
    UnterminatedQuote,
    /// Bytes that are not UTF-8.
    InvalidUtf8,
    /// A line that is not a JSON object.
    NotJson,
    /// A line longer than any tweet.
    LineTooLong,
    /// No id or no content, such as a withheld tweet.
    NoContent,
    /// Neither a post nor a comment.
    UnknownType,
    /// A time that cannot be parsed or is out of range.
    UnparseableTime,
    /// A count that is negative or not a number.
    InvalidCount,
    /// Text that its author or a moderator deleted.
    Deleted,
    /// The id of an earlier row, or the text of an earlier row under the same post.
    Duplicate,
    /// A comment on a post that the data lacks.
    PostMissing,
    /// An item of a platform without users.
    NoUsers,
}

impl DropReason {
    /// Returns the reason in words.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::WrongNumberOfFields => "wrong number of fields",
            Self::UnterminatedQuote => "unterminated quote that takes in the rest of the file",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::NotJson => "not a JSON object",
            Self::LineTooLong => "line over 1 MiB",
            Self::NoContent => "no id or no content",
            Self::UnknownType => "neither post nor comment",
            Self::UnparseableTime => "unparseable time",
            Self::InvalidCount => "negative or non-numeric count",
            Self::Deleted => "deleted text",
            Self::Duplicate => "duplicate",
            Self::PostMissing => "comment on a missing post",
            Self::NoUsers => "platform without users",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Rows of one file that were dropped for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Number of rows.
    pub count: u64,
    /// Line number of the first one, from 1.
    pub first_line: u64,
}

/// Account of the rows of one platform: each is kept or dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputReport {
    /// Platform of the rows.
    pub platform: Platform,
    /// Number of posts kept.
    pub posts: u64,
    /// Number of comments kept.
    pub comments: u64,
    /// Dropped rows by file and reason.
    pub dropped: BTreeMap<(PathBuf, DropReason), Dropped>,
}

impl InputReport {
    pub(crate) fn new(platform: Platform) -> Self {
        Self {
            platform,
            posts: 0,
            comments: 0,
            dropped: BTreeMap::new(),
        }
    }

    /// Returns the number of items kept.
    pub fn kept(&self) -> u64 {
        self.posts + self.comments
    }

    /// Returns the number of rows dropped.
    pub fn total_dropped(&self) -> u64 {
        self.dropped.values().map(|dropped| dropped.count).sum()
    }

    pub(crate) fn keep(&mut self, kind: ItemKind) {
        *self.kept_of(kind) += 1;
    }

    /// Reverts [`InputReport::keep`].
    pub(crate) fn unkeep(&mut self, kind: ItemKind) {
        *self.kept_of(kind) -= 1;
    }

    fn kept_of(&mut self, kind: ItemKind) -> &mut u64 {
        match kind {
            ItemKind::Post => &mut self.posts,
            ItemKind::Comment => &mut self.comments,
        }
    }

    pub(crate) fn drop(&mut self, path: &Path, line: u64, reason: DropReason) {
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

    /// Fails if no row was kept.
    pub(crate) fn check_usable(&self, path: &Path) -> Result<(), LabError> {
        if self.kept() > 0 {
            return Ok(());
        }
        Err(self.unusable(path))
    }

    /// Returns the error of input from which no row was kept; `path` is its main file.
    pub(crate) fn unusable(&self, path: &Path) -> LabError {
        let first = self
            .dropped
            .iter()
            .min_by_key(|(_, dropped)| dropped.first_line);
        match first {
            Some(((path, reason), dropped)) => LabError::NothingUsable {
                path: path.clone(),
                line: dropped.first_line,
                reason: reason.as_str(),
            },
            None => LabError::Empty {
                path: path.to_owned(),
            },
        }
    }
}

impl fmt::Display for InputReport {
    /// Writes the number of items kept, then a line for each reason with its count and first line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (platform, posts, comments) = (self.platform, self.posts, self.comments);
        let dropped = self.total_dropped();
        write!(
            f,
            "{platform}: {posts} posts and {comments} comments kept, {dropped} rows dropped"
        )?;
        for ((path, reason), dropped) in &self.dropped {
            let (count, line, path) = (dropped.count, dropped.first_line, path.display());
            write!(f, "\n  {count} for {reason}, the first at {path}:{line}")?;
        }
        Ok(())
    }
}
