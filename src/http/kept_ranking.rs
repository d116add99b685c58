use std::sync::Arc;
use std::time::Duration;

use chrono::{SubsecRound, Utc};

use crate::db::KeptRanking;
use weir_feed::{RankRequest, RankResponse};

/// What is kept of an answer with full metadata.
pub(super) fn kept_ranking(
    feed: &RankRequest,
    response: &RankResponse<'_>,
    config_version: &Arc<str>,
    took: Duration,
) -> KeptRanking {
    let (session, metadata) = (&feed.session, &response.metadata);
    let ids_returned = response.ranked_ids.iter();
    KeptRanking {
        at: Utc::now().trunc_subsecs(3),
        session_id: session.session_id.clone(),
        user_id: session.user_id.clone(),
        platform: session.platform.as_str().to_owned(),
        arm: metadata.arm.as_deref().map(str::to_owned),
        policy: metadata.policy.as_deref().unwrap_or_default().to_owned(),
        config_version: Arc::clone(config_version),
        intervention_on: metadata.intervention_on,
        prefetch: session.is_prefetch(),
        degraded: metadata.degraded.clone(),
        ids_sent: feed.items.iter().map(|item| item.id.clone()).collect(),
        ids_returned: ids_returned.map(|id| id.clone().into_owned()).collect(),
        took_ms: took.as_secs_f64() * 1_000.0,
    }
}
