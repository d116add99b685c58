use std::sync::Arc;

use chrono::Utc;

use crate::ranking::{EntityMatches, TopEntitySet};
use crate::serving::context::RankContext;
use crate::snapshot::Snapshot;
use weir_feed::{ContentItem, Degraded, RankRequest};

/// Texts of more bytes than this are matched on a blocking thread, so that one long feed does not hold up the others:
/// it takes the matcher about 0.2 ms.
const MATCH_INLINE_BYTES: usize = 64 * 1024;

/// Finds the items that name top entities; `None` if the policy does not ask.
pub(in crate::serving) async fn matches(
    newest: &Snapshot<TopEntitySet>,
    feed: &Arc<RankRequest>,
    context: &RankContext,
) -> Result<Option<EntityMatches>, Degraded> {
    let policy = &context.policy;
    if !policy.policy.uses_entities() {
        return Ok(None);
    }
    let missing = |code: &'static str| Degraded {
        part: "entities".into(),
        missed: feed.items.len(),
        why: code.into(),
    };
    let set = newest.fresh(policy.max_entity_age, Utc::now());
    let set = set.map_err(|_| missing("unavailable"))?;
    let how = policy.policy.config.entity_match;
    if feed
        .items
        .iter()
        .map(ContentItem::text_bytes)
        .sum::<usize>()
        <= MATCH_INLINE_BYTES
    {
        return Ok(Some(EntityMatches::find(&feed.items, how, set)));
    }
    let own = Arc::clone(feed);
    let found = actix_rt::task::spawn_blocking(move || EntityMatches::find(&own.items, how, set));
    match tokio::time::timeout_at(context.deadline.into(), found).await {
        Ok(Ok(matches)) => Ok(Some(matches)),
        Ok(Err(_)) => Err(missing("panic")),
        Err(_) => Err(missing("timeout")),
    }
}
