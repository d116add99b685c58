use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use crate::actors::{IngestInbox, ScraperLog};
use crate::settings::ScraperSettings;
use crate::sources::{Outbox, OutboxError, Source};

/// What a scraper works with.
#[derive(Clone)]
pub struct ScraperParts {
    /// When it runs, and how much at a time.
    pub settings: ScraperSettings,
    /// What it asks.
    pub source: Arc<dyn Source>,
    /// Which source that is, as positions in the outbox name it.
    pub source_identity: String,
    /// Where it keeps what is not stored yet; locked on blocking threads only.
    pub outbox: Arc<Mutex<Outbox>>,
    /// Fetching stops at this many bytes in the outbox.
    pub max_outbox_bytes: u64,
    /// Where posts are stored.
    pub ingester: IngestInbox,
    /// Where it works: no actor's thread.
    pub runtime: Handle,
    /// What it does, for others to see.
    pub log: Arc<ScraperLog>,
}

impl ScraperParts {
    /// Runs `work` off the actor's thread, which holds nothing of it then. It ends with the actor's interest in it.
    pub(super) fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(self.runtime.spawn(work))
    }

    /// Uses the outbox on a blocking thread, and tells the log how much is in it afterwards.
    pub(super) async fn with_outbox<T: Send + 'static>(
        &self,
        effect: impl FnOnce(&mut Outbox) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let (outbox, log) = (Arc::clone(&self.outbox), Arc::clone(&self.log));
        let used = self.runtime.spawn_blocking(move || {
            let mut outbox = outbox.lock().unwrap_or_else(PoisonError::into_inner);
            let used = effect(&mut outbox);
            log.outbox_holds(outbox.waiting_bytes(), outbox.failure());
            used
        });
        used.await.unwrap_or_else(|_| Err(OutboxError::Abandoned))
    }
}
