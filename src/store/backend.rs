//! The two backends behind a handle, and what passes between them. They pass one conformance suite, `tests/stores/`.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A backend in Redis or in SQL: of the store itself, or of what stands on its connections.
pub(crate) enum Backend<R, S> {
    Redis(Arc<R>),
    Sql(Arc<S>),
}

impl<R, S> Clone for Backend<R, S> {
    fn clone(&self) -> Self {
        match self {
            Self::Redis(backend) => Self::Redis(Arc::clone(backend)),
            Self::Sql(backend) => Self::Sql(Arc::clone(backend)),
        }
    }
}

/// Builds the call of one method of whichever backend it is, as a future that owns the arguments it borrows from. It is boxed,
/// since it is as large as the larger of both.
macro_rules! on_backend {
    ($backend:expr, $method:ident($($argument:expr),* $(,)?)) => {{
        let backend = $backend.clone();
        Box::pin(async move {
            match backend {
                $crate::store::backend::Backend::Redis(backend) => backend.$method($($argument),*).await,
                $crate::store::backend::Backend::Sql(backend) => backend.$method($($argument),*).await,
            }
        })
    }};
}
pub(crate) use on_backend;

/// An announced change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The value under this key was written or deleted.
    Key(String),
    /// This job finished, or is to be cancelled.
    Job(Uuid),
    /// Jobs have become ready while none was.
    Work,
    /// Announcements may have been missed: everything must be read again.
    All,
}

/// Number of announcements that a slow reader may lag behind before it is told to read everything again.
pub(super) const CHANGES_KEPT: usize = 1024;

/// A value and the time at which it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    bytes: Arc<[u8]>,
    written_at: Option<DateTime<Utc>>,
}

impl Stored {
    pub(super) fn new(bytes: Vec<u8>, written_at_ms: Option<i64>) -> Self {
        Self {
            bytes: bytes.into(),
            written_at: written_at_ms.and_then(DateTime::from_timestamp_millis),
        }
    }

    /// Returns the value as written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads the value as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.bytes)
    }

    /// Returns when it was written, by the store's clock; `None` for a shared key in Redis, which keeps the value alone.
    pub fn written_at(&self) -> Option<DateTime<Utc>> {
        self.written_at
    }
}

/// A value may quote posts, so its size prints in its place.
impl fmt::Debug for Stored {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stored")
            .field("len_bytes", &self.bytes.len())
            .field("written_at", &self.written_at)
            .finish()
    }
}
