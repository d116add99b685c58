//! Where posts that the feed did not hold go in it.

use std::collections::HashSet;

use super::Candidate;
use weir_feed::ContentItem;

/// How a policy inserts candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The most of them in one answer.
    pub max: usize,
    /// Where they go.
    pub places: Places,
}

/// Where inserted posts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// To these places of the answer, counted from 0, ascending. A place behind the end is the end.
    At(Vec<usize>),
    /// Behind every so many items of the feed.
    Every(usize),
}

/// One place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An item of the feed, by its incoming place.
    Item(usize),
    /// An inserted post, by its place among those inserted.
    Inserted(usize),
}

impl Insert {
    /// How many posts at most go into a feed of `items` items. An empty feed gets none.
    pub fn room(&self, items: usize) -> usize {
        let places = match &self.places {
            Places::At(places) => places.len(),
            Places::Every(every) => items.checked_div(*every).unwrap_or_default(),
        };
        if items == 0 { 0 } else { places.min(self.max) }
    }

    /// The candidates that the feed does not hold, by id or by address, each once, in their order.
    pub fn eligible<'c>(candidates: &'c [Candidate], items: &[ContentItem]) -> Vec<&'c Candidate> {
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

    /// The answer: `order` with the first `inserted` posts at their places.
    pub fn merge(&self, order: &[usize], inserted: usize) -> Vec<Slot> {
        let inserted = inserted.min(self.room(order.len()));
        let mut slots = Vec::with_capacity(order.len() + inserted);
        let (mut items, mut posts) = (order.iter().copied().map(Slot::Item), 0);
        loop {
            if posts < inserted && self.is_place(slots.len(), posts) {
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

    /// Whether the next place of an answer with `posts` insertions so far is one for another.
    fn is_place(&self, place: usize, posts: usize) -> bool {
        match &self.places {
            Places::At(places) => places.get(posts).is_some_and(|at| *at <= place),
            Places::Every(every) => place - posts == every * (posts + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn insert(max: usize, places: Places) -> Insert {
        Insert { max, places }
    }

    /// An item as its number, an inserted post as `*`.
    fn shown(slots: &[Slot]) -> String {
        let sign = |slot: &Slot| match slot {
            Slot::Item(place) => place.to_string(),
            Slot::Inserted(_) => "*".to_owned(),
        };
        slots.iter().map(sign).collect()
    }

    #[test]
    fn posts_go_to_their_places_in_the_answer() {
        let at = insert(9, Places::At(vec![0, 2, 99]));
        assert_eq!(shown(&at.merge(&[2, 0, 1], 3)), "*2*01*");
        assert_eq!(shown(&at.merge(&[2, 0, 1], 1)), "*201");
        let every = insert(9, Places::Every(2));
        assert_eq!(shown(&every.merge(&[0, 1, 2, 3, 4], 9)), "01*23*4");
    }

    #[test]
    fn no_more_than_the_most_are_inserted_and_none_into_an_empty_feed() {
        let every = insert(2, Places::Every(1));
        assert_eq!(shown(&every.merge(&[0, 1, 2, 3], 4)), "0*1*23");
        assert_eq!((every.room(10), every.room(1), every.room(0)), (2, 1, 0));
        assert_eq!(insert(0, Places::At(vec![1])).room(10), 0);
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
        let fake = weir_feed::fake::FakeFeed {
            posts: 1,
            comments: 0,
            platform: weir_feed::Platform::Reddit,
            now: chrono::Utc::now(),
        };
        let mut items = fake.request(&mut rng).items;
        items[0].id = "held".into();
        items[0].embedded_urls = vec!["https://a.example/held".into()];
        let eligible = Insert::eligible(&candidates, &items);
        let ids: Vec<&str> = eligible.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["new", "last"]);
    }

    use rand::SeedableRng;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_item_and_every_post_has_one_place_and_items_keep_their_order(
            items in 0_usize..30, inserted in 0_usize..10, max in 0_usize..10,
            every in 0_usize..5, at in prop::option::of(prop::collection::btree_set(0_usize..40, 0..6)),
        ) {
            let places = match at {
                Some(at) => Places::At(at.into_iter().collect()),
                None => Places::Every(every),
            };
            let insert = insert(max, places);
            let order: Vec<usize> = (0..items).rev().collect();
            let slots = insert.merge(&order, inserted);
            let kept: Vec<usize> = slots.iter().filter_map(|slot| match slot {
                Slot::Item(place) => Some(*place),
                Slot::Inserted(_) => None,
            }).collect();
            prop_assert_eq!(kept, order);
            let posts: Vec<usize> = slots.iter().filter_map(|slot| match slot {
                Slot::Inserted(post) => Some(*post),
                Slot::Item(_) => None,
            }).collect();
            prop_assert!(posts.iter().copied().eq(0..posts.len()));
            prop_assert_eq!(posts.len(), inserted.min(insert.room(items)));
        }
    }
}
