//! The one way into a backend: within a time limit, on the runtime of the connections, with outages noted.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::backend::on_backend;
use super::error::StoreError;
use super::handle::{Inner, Store};
use crate::outage::PROBE_INTERVAL;

/// Time to live of the value that is written to find out whether the store takes writes.
const PROBE_TTL: Duration = Duration::from_secs(1);

impl Store {
    /// Runs a call that `part` of the instance cannot do without. Health names the part for as long as its calls are refused.
    pub(crate) async fn call_for<T: Send + 'static>(
        &self,
        part: &str,
        operation: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = self.call(operation).await;
        match outcome.as_ref().map_err(StoreError::fault) {
            Ok(_) => {
                self.inner.health.clear(part);
            }
            Err(Some(condition)) => {
                self.inner.health.report(part, condition);
            }
            Err(None) => {}
        }
        outcome
    }

    /// Runs one call of a backend. It goes on although its caller gives it up, until the time limit.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let call = async move {
            let outcome = inner.within_limit(operation).await;
            if let Err(error) = &outcome {
                inner.note_failure(error);
            }
            outcome
        };
        // A failure is logged with the request that it belongs to.
        let call = self.inner.home.spawn(call.in_current_span());
        call.await
            .unwrap_or_else(|stopped| Err(StoreError::no_answer(&stopped)))
    }
}

impl Inner {
    async fn within_limit<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| Err(StoreError::no_answer(&"the time limit of the call"));
        timeout(self.time_limit, operation)
            .await
            .unwrap_or_else(late)
    }

    /// Takes note of a call that failed. Nobody else logs it.
    fn note_failure(self: &Arc<Self>, error: &StoreError) {
        if let StoreError::Unavailable { class, why } = error {
            if self.outage.failed(*class, why) {
                self.home.spawn(probe(Arc::downgrade(self)));
            }
        } else if let Some(condition) = error.fault()
            && let Some(suppressed) = self.faults.admit(condition)
        {
            tracing::error!(%error, suppressed, "the store failed a request");
        }
    }
}

/// Writes to the store now and then until the outage is over.
async fn probe(inner: Weak<Inner>) {
    loop {
        sleep(PROBE_INTERVAL).await;
        let Some(inner) = inner.upgrade() else { return };
        let key = inner.probe_key.clone();
        let probe = on_backend!(inner.backend, probe(&key, PROBE_TTL));
        match inner.within_limit(probe).await {
            Err(StoreError::Unavailable { class, why }) => {
                inner.outage.failed(class, &why);
            }
            // A refusal of another kind is an answer.
            Ok(()) | Err(_) => {
                if inner.outage.probe_succeeded() {
                    return;
                }
            }
        }
    }
}
