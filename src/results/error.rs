//! What can go wrong between Weir and its results store.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::db::DbError;

/// Why the results store did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ResultsError {
    /// The store is away, starting, or too slow. Worth another try later; nothing is wrong with the request.
    #[error("the results store is unavailable: {why}")]
    Unavailable {
        /// What the client saw.
        why: String,
    },
    /// The store refused a request, which it will do again.
    #[error("the results store refused: {0}")]
    Refused(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The key cannot be a key.
    #[error("`{key}` is not a key: 1 to 512 bytes without control characters")]
    InvalidKey {
        /// The key as given.
        key: String,
    },
    /// The key of another program holds something else than text.
    #[error("the key `{key}` holds something else than a value")]
    NotAValue {
        /// The key as stored.
        key: String,
    },
    /// The value is over the limit, in bytes.
    #[error("a value of {bytes} bytes for `{key}` is over results.max_value_bytes = {limit}")]
    TooLarge {
        /// The key as given.
        key: String,
        /// The value's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The store holds as many unfinished jobs as it may.
    #[error("the queue is full: {limit} jobs have not finished")]
    QueueFull {
        /// The limit.
        limit: u64,
    },
    /// Something else than Weir has written where only Weir writes, or another version of it.
    #[error("the results store holds {what} that cannot be read")]
    Unreadable {
        /// What it should be.
        what: &'static str,
    },
    /// The settings of the database that the tables are in are refused.
    #[error(transparent)]
    Database(Arc<DbError>),
    /// A setting is wrong.
    #[error("{key}: {why}")]
    Setting {
        /// The setting, as `results.prefix`.
        key: &'static str,
        /// What is expected.
        why: &'static str,
    },
}

impl ResultsError {
    /// Whether the same request may succeed once the store is back.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(super) fn unavailable(why: &impl ToString) -> Self {
        Self::Unavailable {
            why: why.to_string(),
        }
    }
}

impl From<redis::RedisError> for ResultsError {
    fn from(error: redis::RedisError) -> Self {
        use redis::{ErrorKind, ServerErrorKind};
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain,
            ) => Self::unavailable(&error),
            _ => Self::Refused(Arc::new(error)),
        }
    }
}

impl From<DbError> for ResultsError {
    fn from(error: DbError) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<DbErr> for ResultsError {
    fn from(error: DbErr) -> Self {
        match DbError::from(error) {
            error @ DbError::Unavailable(_) => Self::unavailable(&error),
            error => Self::Refused(Arc::new(error)),
        }
    }
}
