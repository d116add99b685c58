use super::ScraperParts;
use crate::actors::{Batch, IngestError};
use crate::db::{NewScrapedPost, NewScraperError};
use crate::sources::{Outbox, OutboxEntry, OutboxError};

/// Why an entry is still in the outbox.
pub(super) enum DeliveryError {
    Outbox(OutboxError),
    Ingest,
    Panicked,
}

/// Hands entries to the ingester, in their order, until none is left.
pub(super) async fn deliver(parts: ScraperParts) -> Result<(), DeliveryError> {
    loop {
        let first = parts.with_outbox(Outbox::first).await;
        let Some((receipt, entry)) = first.map_err(DeliveryError::Outbox)? else {
            return Ok(());
        };
        let (batch, bytes) = batch(parts.log.name(), entry);
        parts
            .ingester
            .ingest(batch, bytes)
            .await
            .map_err(|_: IngestError| DeliveryError::Ingest)?;
        parts
            .with_outbox(move |outbox| outbox.acknowledge(receipt))
            .await
            .map_err(DeliveryError::Outbox)?;
    }
}

fn batch(source_id: &str, entry: OutboxEntry) -> (Batch, usize) {
    let bytes = entry.posts.iter().map(|post| post.blob.get().len()).sum();
    let task_id = entry.task_id;
    let posts = entry.posts.into_iter().map(|post| NewScrapedPost {
        post_id: post.post_id,
        source_id: source_id.to_owned(),
        task_id: task_id.clone(),
        post_blob: post.blob,
    });
    let errors = entry.errors.into_iter().map(|message| NewScraperError {
        source_id: source_id.to_owned(),
        task_id: task_id.clone(),
        message,
    });
    let batch = Batch {
        posts: posts.collect(),
        errors: errors.collect(),
    };
    (batch, bytes)
}
