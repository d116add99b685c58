use std::io;
use std::path::PathBuf;

/// Why an outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The system refused.
    #[error("the outbox {} cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else has written into the file.
    #[error("line {line} of the outbox {} cannot be read; move the file away to begin anew", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Weir stopped, or the file's owner panicked.
    #[error("the outbox was abandoned")]
    Abandoned,
}
