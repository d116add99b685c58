use std::io;
use std::path::{Path, PathBuf};

use super::PoolError;
use crate::db::{DbError, LoadError};

/// Why sample data could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SeedingError {
    /// The operating system refused: a missing file, a full disk, a folder that cannot be written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, as `read` or `write`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table without a column that it must have.
    #[error("{}, line 1: no column `{column}` among {found}", path.display())]
    MissingColumn {
        /// The table.
        path: PathBuf,
        /// The column's name.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A file without content.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A line that should have been written by Weir and was not.
    #[error("{}, line {line}: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        message: String,
    },
    /// A file in which no row could be used.
    #[error("{}, line {line}: {reason}, and no other row can be used either", path.display())]
    NothingUsable {
        /// The file.
        path: PathBuf,
        /// The first row's line, from 1.
        line: u64,
        /// What is wrong with that row.
        reason: &'static str,
    },
    /// A folder without any platform's normalised items.
    #[error("no normalised items in {}: looked for {looked_for}; `weir preprocess` makes them", path.display())]
    NoItems {
        /// The folder.
        path: PathBuf,
        /// The names looked for.
        looked_for: &'static str,
    },
    /// There are posts, and nothing was said of what becomes of them.
    #[error(
        "the table posts is not empty: --drop-table makes it anew, --upsert replaces posts that come again and keeps the others"
    )]
    NotEmpty,
    /// A pool of users that there cannot be.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// Somebody asked to stop.
    #[error("interrupted: the database is as it was; the same command begins again")]
    Interrupted,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// An item that cannot be written as JSON.
    #[error("an item cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A thread ended before its work did.
    #[error("a thread of the loader failed: {0}")]
    Thread(#[from] tokio::task::JoinError),
    /// A folder without any platform's files.
    #[error("no raw files in {}: looked for {looked_for}", path.display())]
    NoInput {
        /// The folder.
        path: PathBuf,
        /// The names looked for.
        looked_for: &'static str,
    },
}

impl SeedingError {
    pub(super) fn file<E: Into<io::Error>>(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source: source.into(),
        }
    }
}

impl From<LoadError> for SeedingError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NotEmpty => Self::NotEmpty,
            LoadError::Database(error) => Self::Database(error),
        }
    }
}
