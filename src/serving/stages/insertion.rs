use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use xxhash_rust::xxh3::xxh3_128;

use crate::actors::messages::Ranked;
use crate::ranking::{Candidates, Insert, Slot};
use crate::results::Results;
use crate::serving::ServedPolicy;
use crate::snapshot::{Snapshot, SnapshotError};
use weir_feed::{Degraded, NewItem, Platform, RankRequest};

/// The newest candidates of each platform.
pub type CandidatesByPlatform = Arc<BTreeMap<Platform, Snapshot<Candidates>>>;

/// How long a request waits for its claims.
const CLAIM_LIMIT: Duration = Duration::from_millis(20);
/// How far down the list a user's claims are looked for: who has seen so many gets none.
const MAX_CLAIMS: usize = 200;

/// How a policy inserts posts, and what it needs for it.
#[derive(Clone)]
pub struct ServedInsert {
    /// How many go where.
    pub insert: Insert,
    /// For how long a post is not shown again to the same user.
    pub once_per: Duration,
    /// Candidates that were chosen longer ago are not used.
    pub max_age: TimeDelta,
    /// Where the candidates are.
    pub candidates: CandidatesByPlatform,
    /// Where claims are made.
    pub results: Results,
}

/// What is put into one answer.
#[derive(Debug, Default)]
pub(crate) struct Insertion {
    posts: Vec<NewItem>,
    degraded: Option<Degraded>,
}

impl Insertion {
    /// Chooses posts for the feed and claims them for its user; a prefetch claims none. Late or failed, there are none.
    pub(crate) async fn choose(
        policy: &ServedPolicy,
        feed: &RankRequest,
        deadline: Instant,
    ) -> Self {
        let Some(served) = &policy.insert else {
            return Self::default();
        };
        let room = served.insert.room(feed.items.len());
        if room == 0 {
            return Self::default();
        }
        match served.posts(feed, room, deadline).await {
            Ok(posts) => Self {
                posts,
                degraded: None,
            },
            Err(why) => Self {
                posts: Vec::new(),
                degraded: Some(Degraded {
                    part: "insert".into(),
                    missed: room,
                    why: why.into(),
                }),
            },
        }
    }

    /// Puts the posts into the answer.
    pub(crate) fn put_into(self, ranked: &mut Ranked, policy: &ServedPolicy) {
        ranked.degraded.extend(self.degraded);
        let Some(served) = policy.insert.as_ref().filter(|_| !self.posts.is_empty()) else {
            return;
        };
        let items = &ranked.ranking.order;
        ranked.slots = served.insert.merge(items, self.posts.len());
        ranked.new_items = self.posts;
        // Where the policy takes items out there may be less room than was claimed for.
        ranked.new_items.truncate(ranked.slots.len() - items.len());
        ranked.ranking.intervened |= !ranked.new_items.is_empty();
    }
}

impl ServedInsert {
    async fn posts(
        &self,
        feed: &RankRequest,
        room: usize,
        deadline: Instant,
    ) -> Result<Vec<NewItem>, &'static str> {
        let session = &feed.session;
        let list = self.candidates.get(&session.platform);
        let list = list
            .map_or(Err(SnapshotError::Missing), |list| {
                list.fresh(self.max_age, Utc::now())
            })
            .map_err(|error| match error {
                SnapshotError::Missing => "no candidates yet",
                SnapshotError::Stale => "candidates too old",
            })?;
        let mut eligible = Insert::eligible(&list.candidates, &feed.items);
        eligible.truncate(MAX_CLAIMS);
        let names: Vec<String> = eligible
            .iter()
            .map(|candidate| claim_name(&session.user_id, &candidate.id))
            .collect();
        let limit = (Instant::now() + CLAIM_LIMIT).min(deadline);
        let claims = async {
            if session.is_prefetch() {
                self.results.unclaimed(&names, room).await
            } else {
                self.results.claim(&names, room, self.once_per).await
            }
        };
        let claimed = tokio::time::timeout_at(limit.into(), claims)
            .await
            .map_err(|_| "claims too late")?
            .map_err(|_| "no claims to be had")?;
        let posts = claimed.into_iter().filter_map(|place| eligible.get(place));
        Ok(posts
            .map(|candidate| NewItem {
                id: candidate.id.clone(),
                url: candidate.url.clone(),
            })
            .collect())
    }
}

/// Of any user and post, however long their ids are.
fn claim_name(user_id: &str, post_id: &str) -> String {
    let both = format!("{}:{user_id}{post_id}", user_id.len());
    format!("{:032x}", xxh3_128(both.as_bytes()))
}

/// The answer's places when nothing is inserted.
pub(crate) fn slots_of(order: &[usize]) -> Vec<Slot> {
    order.iter().copied().map(Slot::Item).collect()
}
