use std::io;
use std::path::{Path, PathBuf};

use crate::PoolError;

/// Reason why data could not be generated, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A failed file operation: a missing file, a full disk, a folder that is not writable.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// Operation, such as `read` or `write`.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A table that lacks a required column.
    #[error("{}, line 1: missing column `{column}`; found {found}", path.display())]
    MissingColumn {
        /// File of the table.
        path: PathBuf,
        /// Name of the missing column.
        column: &'static str,
        /// Names of the columns that the table has.
        found: String,
    },
    /// A file without content.
    #[error("{} is empty", path.display())]
    Empty {
        /// File.
        path: PathBuf,
    },
    /// An invalid line in a file that `weir preprocess` writes.
    #[error("{}, line {line}: {message}", path.display())]
    Malformed {
        /// File.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// Problem with the line.
        message: String,
    },
    /// A file in which every row was dropped.
    #[error("{}, line {line}: {reason}; the file has no usable row", path.display())]
    NothingUsable {
        /// File.
        path: PathBuf,
        /// Line number of the first row, from 1.
        line: u64,
        /// Problem with the first row.
        reason: &'static str,
    },
    /// A folder without the files that a command reads.
    #[error("no {kind} in {}: expected {expected}", path.display())]
    NoFiles {
        /// Kind of the files, such as `raw files`.
        kind: &'static str,
        /// Folder.
        path: PathBuf,
        /// Names of the files.
        expected: &'static str,
    },
    /// A user pool that the items do not allow.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

impl LabError {
    /// Returns a function that adds the operation and the path to an I/O error.
    pub(crate) fn file<E: Into<io::Error>>(
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
