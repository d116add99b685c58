//! What can go wrong with a choice.

use std::io;
use std::path::PathBuf;

use crate::redis_server::RedisServerError;
use crate::store::error::StoreError;

/// Why no store could be settled on.
#[derive(Debug, thiserror::Error)]
pub enum SelectionError {
    /// The settings ask for what is not there.
    #[error(transparent)]
    Settings(#[from] StoreError),
    /// No socket can be made for the managed server.
    #[error("no socket can be made for redis-server")]
    Socket(#[source] io::Error),
    /// The note in the data folder cannot be read or written.
    #[error("the store marker {} cannot be read or written", path.display())]
    Marker {
        /// The note.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Jobs would be left behind.
    #[error(
        "the store was {before}, where {count} jobs have not finished: start with the former settings until \
         they have, or delete {} to leave them behind", note.display()
    )]
    Unfinished {
        /// The former store.
        before: String,
        /// How many.
        count: u64,
        /// The note to delete.
        note: PathBuf,
    },
    /// Jobs may be left behind.
    #[error(
        "the store was {before}, which cannot be asked whether jobs there have not finished: start with the \
         former settings until they have, or delete {} to leave them behind", note.display()
    )]
    Unknown {
        /// The former store.
        before: String,
        /// The note to delete.
        note: PathBuf,
        /// Why it cannot be asked; `None` if the settings no longer say where it is.
        source: Option<PreviousStoreError>,
    },
}

/// Why a former store could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum PreviousStoreError {
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its server does not start.
    #[error(transparent)]
    Server(#[from] RedisServerError),
}
