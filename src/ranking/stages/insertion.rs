use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ranking::Candidate;
use crate::ranking::policy::is_default;
use crate::settings::{Check, text};
use weir_feed::{ContentItem, Platform};

/// `[policies.NAME] insert`: where and how often candidates are inserted that the feed did not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InsertionPolicy {
    /// The most candidates in one answer; 0 inserts none.
    pub max: usize,
    /// Number of items before each insertion; 0 where `positions` are given.
    pub every: usize,
    /// Positions in the answer, from 0, ascending. A position behind the end is the end.
    pub positions: Vec<usize>,
    /// Time for which a candidate is not shown again to the same user.
    #[serde(with = "text::duration_or_forever")]
    pub once_per: Duration,
    /// Age from which lists of candidates are not used.
    #[serde(with = "text::duration")]
    pub max_age: Duration,
    /// Name of the list of candidates; without it, the list without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<String>,
    /// Condition that an item meets to be replaced by a candidate. It leaves with its replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace: Option<String>,
    /// Share of the items that meet `replace` that are replaced, drawn by user and item.
    #[serde(skip_serializing_if = "is_default_share")]
    pub replace_share: f64,
    /// Least number of insertions, as a share of the feed's length.
    #[serde(skip_serializing_if = "is_default")]
    pub min_share: f64,
    /// Place of further candidates, which reach `min_share`.
    #[serde(skip_serializing_if = "is_default")]
    pub fill: Fill,
    /// Treatment of an item that is to be replaced when no candidate is left.
    #[serde(skip_serializing_if = "is_default")]
    pub if_none_left: IfNoneLeft,
}

/// Place of candidates that replace no item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// Behind the last item.
    #[default]
    End,
}

/// Treatment of an item that is to be replaced when no candidate is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfNoneLeft {
    /// It stays.
    #[default]
    Keep,
    /// It is removed, replies and all.
    Remove,
}

/// A position of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An item of the feed, by its index.
    Item(usize),
    /// A new item, by its index among those inserted.
    Inserted(usize),
}

impl InsertionPolicy {
    pub(crate) fn check(&self, check: &mut Check) {
        check.within("max", self.max, 0..=100);
        check.within("every", self.every, 0..=10_000);
        let both_or_neither = (self.every > 0) != self.positions.is_empty();
        check.require("max", self.max == 0 || !both_or_neither, || {
            "expected either every or positions beside it".to_owned()
        });
        let ascending = self.positions.windows(2).all(|pair| pair[0] < pair[1]);
        check.require("positions", ascending, || {
            "expected positions in ascending order".to_owned()
        });
        check.within("replace_share", self.replace_share, 0.0..=1.0);
        check.within("min_share", self.min_share, 0.0..=1.0);
        check.require("max", self.max == 0 || !self.depends_on_order(), || {
            "expected either max or replace and min_share beside it".to_owned()
        });
        if let Some(name) = &self.candidates {
            check.require("candidates", is_list_name(name), || {
                "a name is made of letters, digits, _ and -, and is not that of a platform"
                    .to_owned()
            });
        }
        check.lasting("once_per", self.once_per);
        check.lasting("max_age", self.max_age);
    }

    /// Returns whether any candidates are inserted.
    pub(crate) fn inserts(&self) -> bool {
        self.max > 0 || self.depends_on_order()
    }

    /// Returns whether the number of insertions is known only once the items are ordered.
    pub(crate) fn depends_on_order(&self) -> bool {
        self.replace.is_some() || self.min_share > 0.0
    }

    /// Returns how many posts at most go into a feed of `items` items. An empty feed gets none.
    pub(crate) fn room(&self, items: usize) -> usize {
        let room = match self.every {
            0 => self.positions.len(),
            every => items / every,
        };
        if items == 0 { 0 } else { room.min(self.max) }
    }

    /// Returns the slots of the answer: `order` with the first `inserted` posts in their positions.
    pub(crate) fn merge(&self, order: &[usize], inserted: usize) -> Vec<Slot> {
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
            candidates: None,
            replace: None,
            replace_share: 1.0,
            min_share: 0.0,
            fill: Fill::End,
            if_none_left: IfNoneLeft::Keep,
        }
    }
}

/// Returns whether a list of candidates may have this name.
pub(crate) fn is_list_name(name: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
    !name.is_empty() && name.chars().all(plain) && name.parse::<Platform>().is_err()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_default_share(share: &f64) -> bool {
    (1.0..).contains(share)
}

/// Returns the candidates that the feed does not hold, by id or by address, each once, in their order.
pub(crate) fn eligible<'c>(
    candidates: &'c [Candidate],
    items: &[ContentItem],
) -> Vec<&'c Candidate> {
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
            platform: weir_feed::Platform::Reddit,
            now: chrono::Utc::now(),
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
