use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::messages::Ingest;
use super::{Batch, IngestError, Ingested, Ingester};
use weir_supervision::ActorRef;

/// What may wait to be stored, in units of a KiB: batches of at most 64 MiB together.
const ROOM_KIB: usize = 64 * 1024;
/// A commit that takes longer counts as a database that is away.
const LIMIT: Duration = Duration::from_secs(15);

/// The bounded way to the ingester.
#[derive(Clone)]
pub struct IngestInbox {
    ingester: ActorRef<Ingester>,
    room: Arc<Semaphore>,
}

impl IngestInbox {
    /// An inbox in which batches of up to 64 MiB wait.
    pub fn new(ingester: ActorRef<Ingester>) -> Self {
        Self {
            ingester,
            room: Arc::new(Semaphore::new(ROOM_KIB)),
        }
    }

    /// Hands over a batch of about `bytes` and waits until it is committed. Without room, or an answer in time, the
    /// database counts as away; the batch may be stored all the same, and is not stored twice.
    pub async fn ingest(&self, batch: Batch, bytes: usize) -> Result<Ingested, IngestError> {
        let kib = u32::try_from(bytes.div_ceil(1024).clamp(1, ROOM_KIB)).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.room).try_acquire_many_owned(kib);
        let place = place.map_err(|_| IngestError::UNAVAILABLE)?;
        let (reply, answer) = oneshot::channel();
        self.ingester.tell(Ingest {
            batch,
            place,
            reply,
        });
        match tokio::time::timeout(LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(IngestError::UNAVAILABLE),
        }
    }
}
