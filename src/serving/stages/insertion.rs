use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use xxhash_rust::xxh3::xxh3_128;

use crate::ranking::{Candidate, Candidates};
use crate::serving::context::RankContext;
use crate::snapshot::Snapshot;
use crate::store::Store;
use weir_feed::{ContentItem, Degraded, NewItem, Platform, RankRequest};

/// How long a request waits for its claims.
const CLAIM_LIMIT: Duration = Duration::from_millis(20);
/// Candidates that a user's claims are looked for among; a user who has seen all of them gets none.
const MAX_CLAIMS: usize = 200;

/// Newest candidates of each platform.
pub type CandidatesByPlatform = Arc<BTreeMap<Platform, Snapshot<Candidates>>>;

/// Where and how often a policy inserts candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertionPolicy {
    /// The most candidates in one answer; 0 inserts none.
    pub max: usize,
    /// Number of items before each insertion; 0 where `positions` are given.
    pub every: usize,
    /// Positions in the answer, from 0, ascending. A position behind the end is the end.
    pub positions: Vec<usize>,
    /// Time for which a candidate is not shown again to the same user.
    pub once_per: Duration,
    /// Age from which lists of candidates are not used.
    pub max_age: Duration,
}

/// A position of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An item of the feed, by its index.
    Item(usize),
    /// A new item, by its index among those inserted.
    Inserted(usize),
}

/// Claims candidates for the users of one policy.
#[derive(Clone)]
pub(crate) struct InsertionStage {
    pub(crate) policy: InsertionPolicy,
    pub(crate) candidates: CandidatesByPlatform,
    /// Store in which claims are made.
    pub(crate) store: Store,
}

/// Candidates that were claimed for one answer.
#[derive(Debug, Default)]
pub(in crate::serving) struct Insertions {
    posts: Vec<NewItem>,
    pub(in crate::serving) degraded: Option<Degraded>,
}

/// Claims candidates for the feed's user; a prefetch claims none. Late or failed, there are none.
pub(in crate::serving) async fn claim(feed: &RankRequest, context: &RankContext) -> Insertions {
    let Some(stage) = &context.policy.insertion else {
        return Insertions::default();
    };
    let room = stage.policy.room(feed.items.len());
    if room == 0 {
        return Insertions::default();
    }
    match stage.claim(feed, room, context.deadline).await {
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

/// Puts the claimed candidates into the order: the slots of the answer and its new items.
pub(in crate::serving) fn apply(
    order: &[usize],
    insertions: Insertions,
    context: &RankContext,
) -> (Vec<Slot>, Vec<NewItem>) {
    let mut posts = insertions.posts;
    match &context.policy.insertion {
        Some(stage) if !posts.is_empty() => {
            let slots = stage.policy.merge(order, posts.len());
            // Where the policy removed items there may be less room than was claimed for.
            posts.truncate(slots.len() - order.len());
            (slots, posts)
        }
        _ => (order.iter().copied().map(Slot::Item).collect(), Vec::new()),
    }
}

impl InsertionStage {
    /// Returns up to `room` candidates, or the code of what was missing.
    async fn claim(
        &self,
        feed: &RankRequest,
        room: usize,
        deadline: Instant,
    ) -> Result<Vec<NewItem>, &'static str> {
        let (policy, session) = (&self.policy, &feed.session);
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

impl InsertionPolicy {
    /// Returns how many posts at most go into a feed of `items` items. An empty feed gets none.
    fn room(&self, items: usize) -> usize {
        let room = match self.every {
            0 => self.positions.len(),
            every => items / every,
        };
        if items == 0 { 0 } else { room.min(self.max) }
    }

    /// Returns the slots of the answer: `order` with the first `inserted` posts in their positions.
    fn merge(&self, order: &[usize], inserted: usize) -> Vec<Slot> {
        let inserted = inserted.min(self.room(order.len()));
        let mut slots = Vec::with_capacity(order.len() + inserted);
        let (mut items, mut posts) = (order.iter().copied().map(Slot::Item), 0);
        loop {
            if posts < inserted && self.is_next(slots.len(), posts) {
                slots.push(Slot::Inserted(posts));
                posts += 1;
            } else if let Some(item) = items.next() {
                slots.push(item);
            } else {
                break;
            }
        }
        slots.extend((posts..inserted).map(Slot::Inserted));
        slots
    }

    /// Returns whether an insertion goes to `position`, after `posts` insertions before it.
    fn is_next(&self, position: usize, posts: usize) -> bool {
        match self.every {
            0 => self.positions.get(posts).is_some_and(|at| *at <= position),
            every => position - posts == every * (posts + 1),
        }
    }
}

impl Default for InsertionPolicy {
    /// Inserts none.
    fn default() -> Self {
        Self {
            max: 0,
            every: 0,
            positions: Vec::new(),
            once_per: Duration::from_hours(24 * 30),
            max_age: Duration::from_hours(6),
        }
    }
}

/// Returns the candidates that the feed does not hold, by id or by address, each once, in their order.
fn eligible<'c>(candidates: &'c [Candidate], items: &[ContentItem]) -> Vec<&'c Candidate> {
    let ids = items.iter().map(|item| item.id.as_str());
    let urls = items.iter().flat_map(|item| &item.embedded_urls);
    let mut held: HashSet<&str> = ids.chain(urls.map(String::as_str)).collect();
    candidates
        .iter()
        .filter(|candidate| {
            let new = !held.contains(candidate.url.as_str());
            new && held.insert(&candidate.id) && held.insert(&candidate.url)
        })
        .collect()
}

/// Returns the name of the claim of any user and post, however long their ids are.
fn claim_name(user_id: &str, post_id: &str) -> String {
    let both = format!("{}:{user_id}{post_id}", user_id.len());
    format!("{:032x}", xxh3_128(both.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn at(max: usize, positions: &[usize]) -> InsertionPolicy {
        InsertionPolicy {
            max,
            positions: positions.to_vec(),
            ..InsertionPolicy::default()
        }
    }

    fn every(max: usize, every: usize) -> InsertionPolicy {
        InsertionPolicy {
            max,
            every,
            ..InsertionPolicy::default()
        }
    }

    /// Shows an item as its index, an inserted post as `*`.
    fn shown(slots: &[Slot]) -> String {
        let sign = |slot: &Slot| match slot {
            Slot::Item(item) => item.to_string(),
            Slot::Inserted(_) => "*".to_owned(),
        };
        slots.iter().map(sign).collect()
    }

    #[test]
    fn posts_go_to_their_positions_in_the_answer() {
        let at = at(9, &[0, 2, 99]);
        assert_eq!(shown(&at.merge(&[2, 0, 1], 3)), "*2*01*");
        assert_eq!(shown(&at.merge(&[2, 0, 1], 1)), "*201");
        let every = every(9, 2);
        assert_eq!(shown(&every.merge(&[0, 1, 2, 3, 4], 9)), "01*23*4");
    }

    #[test]
    fn no_more_than_the_most_are_inserted_and_none_into_an_empty_feed() {
        let every = every(2, 1);
        assert_eq!(shown(&every.merge(&[0, 1, 2, 3], 4)), "0*1*23");
        assert_eq!((every.room(10), every.room(1), every.room(0)), (2, 1, 0));
        assert_eq!(at(0, &[1]).room(10), 0);
        assert_eq!(shown(&every.merge(&[], 4)), "");
    }

    #[test]
    fn what_the_feed_holds_and_what_comes_twice_is_left_out() {
        let candidate = |id: &str, url: &str| Candidate {
            id: id.into(),
            url: url.into(),
            score: None,
        };
        let candidates = [
            candidate("held", "https://a.example/1"),
            candidate("new", "https://a.example/2"),
            candidate("new", "https://a.example/3"),
            candidate("linked", "https://a.example/held"),
            candidate("other", "https://a.example/2"),
            candidate("last", "https://a.example/4"),
        ];
        let mut rng = rand_chacha::ChaCha8Rng::from_seed([1; 32]);
        let fake = weir_lab::FakeFeed {
            posts: 1,
            comments: 0,
            platform: Platform::Reddit,
            now: Utc::now(),
        };
        let mut items = fake.request(&mut rng).items;
        items[0].id = "held".into();
        items[0].embedded_urls = vec!["https://a.example/held".into()];
        let eligible = eligible(&candidates, &items);
        let ids: Vec<&str> = eligible.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["new", "last"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_item_and_every_post_has_one_slot_and_items_keep_their_order(
            items in 0_usize..30, inserted in 0_usize..10, max in 0_usize..10,
            apart in 1_usize..5, positions in prop::option::of(prop::collection::btree_set(0_usize..40, 0..6)),
        ) {
            let policy = match positions {
                Some(positions) => at(max, &positions.into_iter().collect::<Vec<_>>()),
                None => every(max, apart),
            };
            let order: Vec<usize> = (0..items).rev().collect();
            let slots = policy.merge(&order, inserted);
            let kept: Vec<usize> = slots.iter().filter_map(|slot| match slot {
                Slot::Item(item) => Some(*item),
                Slot::Inserted(_) => None,
            }).collect();
            prop_assert_eq!(kept, order);
            let posts: Vec<usize> = slots.iter().filter_map(|slot| match slot {
                Slot::Inserted(post) => Some(*post),
                Slot::Item(_) => None,
            }).collect();
            prop_assert!(posts.iter().copied().eq(0..posts.len()));
            prop_assert_eq!(posts.len(), inserted.min(policy.room(items)));
        }
    }
}
