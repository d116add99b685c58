//! Errors of a store.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use sea_orm::DbErr;

use crate::db::DbError;
use crate::outage::ErrorClass;

/// Error of a call of a store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot do it for the moment. Worth another try later; nothing is wrong with the request.
    #[error("the store is unavailable: {}: {why}", class.condition)]
    Unavailable {
        /// The meaning of the error.
        class: ErrorClass,
        /// The error in the words of the store or the client, without data and credentials.
        why: String,
    },
    /// The store refused a request, which it will do again.
    #[error("the store refused a request: {condition}: {why}")]
    Refused {
        /// The meaning of the error.
        condition: &'static str,
        /// The error in the words of the store.
        why: String,
    },
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
    #[error("a value of {bytes} bytes for `{key}` is over store.max_value_bytes = {limit}")]
    TooLarge {
        /// The key as given.
        key: String,
        /// The value's size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Something else than Weir has written where only Weir writes, or another version of it.
    #[error("the store holds {what} that cannot be read")]
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
        /// The setting, as `store.prefix`.
        key: &'static str,
        /// What is expected.
        why: &'static str,
    },
    /// The file of a setting cannot be read.
    #[error("{key}: cannot read {}", path.display())]
    File {
        /// The setting, as `store.redis_ca_file`.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Reason, for an operator.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same request may succeed once the store is back.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The condition, if the store refuses a request that nothing but a change of what it holds will make it take.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Refused { condition, .. } => Some(condition),
            Self::NotAValue { .. } | Self::Unreadable { .. } => {
                Some("the store holds data that cannot be read")
            }
            _ => None,
        }
    }

    /// A call that lost against others on the same data, again and again.
    pub(crate) fn busy(why: &impl ToString) -> Self {
        Self::Unavailable {
            class: ErrorClass::passing("busy"),
            why: why.to_string(),
        }
    }

    pub(crate) fn no_answer(why: &impl ToString) -> Self {
        Self::Unavailable {
            class: ErrorClass::wrong_server("no answer in time"),
            why: why.to_string(),
        }
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        let error = DbError::from(error);
        let (class, why) = (error.class(), error.to_string());
        if error.is_unavailable() {
            return Self::Unavailable { class, why };
        }
        Self::Refused {
            condition: class.condition,
            why,
        }
    }
}
