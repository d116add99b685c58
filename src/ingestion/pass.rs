use std::sync::Arc;

use serde_json::value::to_raw_value;
use uuid::Uuid;

use super::ScrapeContext;
use crate::sources::{Fetched, OutboxEntry, OutboxError, OutboxPost, SourceError};
use weir_supervision::Incarnation;

/// Most pages of one pass: a source that always promises more must not go on for ever.
const MAX_PAGES: usize = 1_000;

/// How a pass ended.
pub(crate) enum Pass {
    /// With everything that the source had, or as much as the limit allows.
    Done { to_the_end: bool },
    /// Without having begun: the outbox is full.
    Full,
}

/// Why a pass did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScrapeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("the source panicked")]
    Panicked,
}

/// One pass: page after page, each in the outbox before the next is asked for.
pub(crate) async fn run_once(
    context: ScrapeContext,
    incarnation: Incarnation,
) -> Result<Pass, ScrapeError> {
    let task_id = Uuid::now_v7().to_string();
    let mut found = 0;
    for _ in 0..MAX_PAGES {
        if !incarnation.is_current() {
            break;
        }
        let identity = context.source_identity.clone();
        let (position, waiting) = context
            .with_outbox(move |outbox| Ok((outbox.position_of(&identity), outbox.waiting_bytes())))
            .await?;
        if waiting >= context.max_outbox_bytes {
            return Ok(Pass::Full);
        }
        let page_limit = context.settings.limit - found;
        let source = Arc::clone(&context.source);
        let fetch = async move { source.fetch(&position, page_limit).await };
        let page = context.runtime.spawn(fetch).await;
        let page = match page.map_err(|_| ScrapeError::Panicked) {
            Ok(page) => page.map_err(ScrapeError::Source),
            Err(panicked) => Err(panicked),
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let failure = OutboxEntry {
                    task_id,
                    errors: vec![error.to_string()],
                    ..OutboxEntry::default()
                };
                context
                    .with_outbox(move |outbox| outbox.append(&failure))
                    .await?;
                return Err(error);
            }
        };
        let (more, posts) = (page.more, page.posts.len());
        let entry = entry(&task_id, &context.source_identity, page);
        context
            .with_outbox(move |outbox| outbox.append(&entry))
            .await?;
        context.log.found(posts);
        found += posts;
        if !more || found >= context.settings.limit {
            return Ok(Pass::Done { to_the_end: !more });
        }
    }
    Ok(Pass::Done { to_the_end: false })
}

fn entry(task_id: &str, source: &str, page: Fetched) -> OutboxEntry {
    let mut errors = page.unreadable;
    let posts = page.posts.into_iter().filter_map(|post| {
        let post_id = post.item.id.clone();
        match to_raw_value(&post) {
            Ok(blob) => Some(OutboxPost { post_id, blob }),
            Err(error) => {
                errors.push(format!("post {post_id} cannot be written: {error}"));
                None
            }
        }
    });
    let posts = posts.collect();
    OutboxEntry {
        task_id: task_id.to_owned(),
        source: source.to_owned(),
        position: Some(page.next),
        posts,
        errors,
    }
}
