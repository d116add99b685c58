use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use xxhash_rust::xxh3::xxh3_128;

use crate::ranking::stages::insertion::{InsertionPolicy, Slot, eligible};
use crate::ranking::stages::markers;
use crate::ranking::stages::replacement::Replacement;
use crate::ranking::{Candidates, Policy, Slate};
use crate::serving::context::RankContext;
use crate::snapshot::Snapshot;
use crate::store::Store;
use weir_feed::{Degraded, NewItem, Platform, RankRequest};

/// How long a request waits for its claims.
pub(in crate::serving) const CLAIM_LIMIT: Duration = Duration::from_millis(20);
/// Candidates that a user's claims are looked for among; a user who has seen all of them gets none.
const MAX_CLAIMS: usize = 200;

/// Newest candidates of one list for each platform.
pub(crate) type CandidatesByPlatform = Arc<BTreeMap<Platform, Snapshot<Candidates>>>;

/// Claims candidates for the users of one policy.
#[derive(Clone)]
pub(crate) struct InsertionStage {
    pub(crate) candidates: CandidatesByPlatform,
    /// Store in which claims are made.
    pub(crate) store: Store,
}

/// Candidates that were claimed for one answer.
#[derive(Debug, Default)]
pub(in crate::serving) struct Insertions {
    pub(in crate::serving) posts: Vec<NewItem>,
    pub(in crate::serving) degraded: Option<Degraded>,
}

/// Claims up to `room` candidates for the feed's user; a prefetch claims none. Late or failed, there are none.
pub(in crate::serving) async fn claim(
    feed: &RankRequest,
    context: &RankContext,
    room: usize,
) -> Insertions {
    let Some(stage) = &context.policy.insertion else {
        return Insertions::default();
    };
    if room == 0 {
        return Insertions::default();
    }
    let policy = &context.policy.policy.config.insert;
    match stage.claim(policy, feed, room, context.deadline).await {
        Ok(posts) => Insertions {
            posts,
            degraded: None,
        },
        Err(code) => Insertions {
            posts: Vec::new(),
            degraded: Some(Degraded {
                part: "insert".into(),
                missed: room,
                why: code.into(),
            }),
        },
    }
}

/// Puts the claimed candidates and the markers into the order: the slots of the answer and its new items.
pub(in crate::serving) fn apply(
    slate: &mut Slate<'_>,
    replacement: Option<&Replacement>,
    mut posts: Vec<NewItem>,
    feed: &RankRequest,
    policy: &Policy,
) -> (Vec<Slot>, Vec<NewItem>) {
    let mut slots = match replacement {
        Some(replacement) => replacement.merge(slate, posts.len()),
        None => policy.config.insert.merge(&slate.order, posts.len()),
    };
    // Where the policy removed items there may be less room than was claimed for.
    let inserted = slots
        .iter()
        .filter(|slot| matches!(slot, Slot::Inserted(_)));
    posts.truncate(inserted.count());
    markers::apply(&mut slots, &mut posts, slate, policy, feed);
    (slots, posts)
}

impl InsertionStage {
    /// Returns up to `room` candidates, or the code of what was missing.
    async fn claim(
        &self,
        policy: &InsertionPolicy,
        feed: &RankRequest,
        room: usize,
        deadline: Instant,
    ) -> Result<Vec<NewItem>, &'static str> {
        let session = &feed.session;
        let max_age = TimeDelta::from_std(policy.max_age).unwrap_or(TimeDelta::MAX);
        let newest = self.candidates.get(&session.platform);
        let list = newest.and_then(|newest| newest.fresh(max_age, Utc::now()).ok());
        let list = list.ok_or("unavailable")?;
        let mut eligible = eligible(&list.candidates, &feed.items);
        eligible.truncate(MAX_CLAIMS);
        let names: Vec<String> = eligible
            .iter()
            .map(|candidate| claim_name(&session.user_id, &candidate.id))
            .collect();
        let limit = (Instant::now() + CLAIM_LIMIT).min(deadline);
        let claims = async {
            if session.is_prefetch() {
                self.store.unclaimed(&names, room).await
            } else {
                self.store.claim(&names, room, policy.once_per).await
            }
        };
        let claimed = tokio::time::timeout_at(limit.into(), claims)
            .await
            .map_err(|_| "timeout")?
            .map_err(|_| "unavailable")?;
        let posts = claimed.into_iter().filter_map(|index| eligible.get(index));
        Ok(posts
            .map(|candidate| NewItem {
                id: candidate.id.clone(),
                url: candidate.url.clone(),
            })
            .collect())
    }
}

/// Returns the name of the claim of any user and post, however long their ids are.
fn claim_name(user_id: &str, post_id: &str) -> String {
    let both = format!("{}:{user_id}{post_id}", user_id.len());
    format!("{:032x}", xxh3_128(both.as_bytes()))
}
