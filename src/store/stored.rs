//! A value as the store gives it back.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

/// A value and when it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    bytes: Arc<[u8]>,
    written_at: Option<DateTime<Utc>>,
}

impl Stored {
    pub(crate) fn new(bytes: Vec<u8>, written_at_ms: Option<i64>) -> Self {
        Self {
            bytes: bytes.into(),
            written_at: written_at_ms.and_then(DateTime::from_timestamp_millis),
        }
    }

    /// The value as written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The value read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.bytes)
    }

    /// When it was written, by the store's clock. `None` for a shared key in Redis, which keeps the value alone.
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
