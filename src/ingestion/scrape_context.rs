use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::ScraperLog;
use crate::settings::ScraperSettings;
use crate::sources::{Outbox, OutboxError, Source};

/// Everything that the passes of one scraper need.
#[derive(Clone)]
pub struct ScrapeContext {
    /// When it runs, and how much it fetches.
    pub settings: ScraperSettings,
    /// Source of the posts.
    pub source: Arc<dyn Source>,
    /// Identity of the source, as positions in the outbox name it.
    pub source_identity: String,
    /// Posts that are not stored yet; locked on blocking threads only.
    pub outbox: Arc<Mutex<Outbox>>,
    /// Number of bytes in the outbox at which fetching stops.
    pub max_outbox_bytes: u64,
    /// Runtime that the work is done on, which is no actor's thread.
    pub runtime: Handle,
    /// Record of its passes for operators.
    pub log: Arc<ScraperLog>,
}

impl ScrapeContext {
    /// Runs `work` on the runtime. It is aborted when the returned handle is dropped.
    pub(crate) fn aside<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> AbortOnDropHandle<T> {
        AbortOnDropHandle::new(self.runtime.spawn(work))
    }

    /// Uses the outbox on a blocking thread, and records its size afterwards.
    pub(crate) async fn with_outbox<T: Send + 'static>(
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
