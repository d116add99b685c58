use std::sync::Arc;

use tokio::sync::{Semaphore, TryAcquireError};

use crate::http::ApiError;

/// Limit of the requests in flight; one more is refused at once.
#[derive(Debug, Clone)]
pub(in crate::http) struct ConcurrencyLimit {
    permits: Arc<Semaphore>,
}

/// Permit of one request, returned when dropped.
#[derive(Debug)]
pub(in crate::http) struct Permit {
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl ConcurrencyLimit {
    /// Creates a limit of `max_in_flight` requests.
    pub(in crate::http) fn new(max_in_flight: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Takes a permit, or refuses with 503.
    pub(in crate::http) fn acquire(&self) -> Result<Permit, ApiError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => Ok(Permit { _permit: permit }),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
                Err(ApiError::overloaded("too many requests in flight"))
            }
        }
    }
}
