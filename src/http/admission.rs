use std::sync::Arc;

use tokio::sync::{Semaphore, TryAcquireError};

use super::ApiError;

/// A bounded number of requests at work at once; one more is turned away at the door.
#[derive(Debug, Clone)]
pub struct Admission {
    permits: Arc<Semaphore>,
}

/// A place among the requests at work, given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Admission {
    /// Admits up to `max_in_flight` requests at a time.
    pub fn new(max_in_flight: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Takes a place, or refuses with 503.
    pub(super) fn admit(&self) -> Result<Permit, ApiError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok(Permit { _permit: permit }),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(
                ApiError::unavailable("as many requests as Weir admits are at work", 1),
            ),
        }
    }
}
