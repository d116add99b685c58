use weir_expressions::random;
use weir_feed::RankRequest;

use super::insertion::{IfNoneLeft, Slot};
use super::removal::cascade_to_replies;
use crate::ranking::{Policy, Slate};

/// Salt of the draw of the items that are replaced.
const SALT: &str = "weir.insert.replace";

/// Items of an order that are to be replaced by candidates, and how many candidates that takes.
#[derive(Debug)]
pub struct Replacement {
    /// The items in the order in which they are shown. None of them answers another one.
    targets: Vec<usize>,
    wanted: usize,
    if_none_left: IfNoneLeft,
}

impl Replacement {
    /// Chooses the items to replace, if the policy replaces items or has a least share of insertions.
    pub fn plan(slate: &mut Slate<'_>, policy: &Policy, feed: &RankRequest) -> Option<Self> {
        let insert = &policy.config.insert;
        if !insert.depends_on_order() {
            return None;
        }
        let user = &feed.session.user_id;
        let is_drawn =
            |item: usize| random(SALT, user, &feed.items[item].id) < insert.replace_share;
        let expressions = policy.expressions.as_ref().zip(slate.expressions.as_ref());
        let is_met =
            |item: usize| expressions.is_some_and(|(them, values)| them.replaces(values, item));
        let items = 0..feed.items.len();
        let chosen: Vec<bool> = items.map(|item| is_met(item) && is_drawn(item)).collect();
        let targets = slate.order.clone().into_iter();
        let targets = targets.filter(|&item| chosen[item] && !answers(slate, item, &chosen));
        let targets: Vec<usize> = targets.collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is a share of a length"
        )]
        let least = (insert.min_share * feed.items.len() as f64).ceil() as usize;
        Some(Self {
            wanted: least.max(targets.len()),
            targets,
            if_none_left: insert.if_none_left,
        })
    }

    /// Returns the number of candidates to insert.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    /// Returns the slots of the answer with the first `inserted` candidates: each takes the place of an item, in order, and those that
    /// are left stand behind the last item.
    pub fn merge(&self, slate: &mut Slate<'_>, inserted: usize) -> Vec<Slot> {
        let replaced = self.targets.len().min(inserted);
        let leaving = match self.if_none_left {
            IfNoneLeft::Keep => &self.targets[..replaced],
            IfNoneLeft::Remove => &self.targets,
        };
        let mut gone = vec![false; slate.items.len()];
        for &item in leaving {
            gone[item] = true;
        }
        cascade_to_replies(&mut gone, slate.parents());
        let mut next = 0;
        let mut slots: Vec<Slot> = Vec::with_capacity(slate.order.len() + inserted);
        for &item in &slate.order {
            if next < replaced && self.targets[next] == item {
                slots.push(Slot::Inserted(next));
                next += 1;
            } else if !gone[item] {
                slots.push(Slot::Item(item));
            }
        }
        slots.extend((next..inserted).map(Slot::Inserted));
        slots
    }
}

/// Returns whether an item answers one of the `chosen`, directly or not.
fn answers(slate: &mut Slate<'_>, item: usize, chosen: &[bool]) -> bool {
    let parents = slate.parents();
    let mut ancestor = item;
    // No chain of parents is longer than the feed, unless it is a circle.
    for _ in 0..chosen.len() {
        match parents[ancestor] {
            Some(parent) if parent != item && chosen[parent] => return true,
            Some(parent) => ancestor = parent,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::tests::{expressions, request};
    use super::*;
    use crate::ranking::PolicyConfig;
    use crate::ranking::stages::insertion::InsertionPolicy;

    fn policy(insert: InsertionPolicy) -> Policy {
        let mut policy = Policy::incoming_order("p");
        policy.config = PolicyConfig {
            insert,
            ..policy.config
        };
        policy.expressions = expressions(&policy.config, &[]);
        policy
    }

    /// Shows an item as its index, an inserted post as `*`.
    fn shown(
        insert: InsertionPolicy,
        posts: usize,
        comments: usize,
        inserted: usize,
    ) -> (usize, String) {
        let (policy, feed) = (policy(insert), request(posts, comments));
        let mut slate = Slate::new(&feed.items, Vec::new(), None);
        slate.order = (0..feed.items.len()).collect();
        super::super::evaluation::apply(&mut slate, &policy, &feed, &[]);
        let plan = Replacement::plan(&mut slate, &policy, &feed).unwrap();
        let sign = |slot: &Slot| match slot {
            Slot::Item(item) => item.to_string(),
            Slot::Inserted(_) => "*".to_owned(),
        };
        let slots = plan.merge(&mut slate, inserted);
        (plan.wanted(), slots.iter().map(sign).collect())
    }

    fn replace(condition: &str) -> InsertionPolicy {
        InsertionPolicy {
            replace: Some(condition.to_owned()),
            ..InsertionPolicy::default()
        }
    }

    #[test]
    fn items_are_replaced_in_order_and_stay_when_no_candidate_is_left() {
        let condition = "item.position in (0, 2, 3)";
        assert_eq!(shown(replace(condition), 5, 0, 3), (3, "*1**4".to_owned()));
        assert_eq!(shown(replace(condition), 5, 0, 2), (3, "*1*34".to_owned()));
        let remove = InsertionPolicy {
            if_none_left: IfNoneLeft::Remove,
            ..replace(condition)
        };
        assert_eq!(shown(remove, 5, 0, 1), (3, "*14".to_owned()));
    }

    #[test]
    fn a_replaced_post_leaves_with_its_replies_for_one_candidate() {
        // 0 and 1 are posts, 2 and 3 comments on the first, 4 and 5 on the second.
        let condition = "item.position in (0, 2)";
        assert_eq!(shown(replace(condition), 2, 2, 1), (1, "*145".to_owned()));
    }

    #[test]
    fn further_candidates_fill_up_to_the_least_share_at_the_end() {
        let insert = InsertionPolicy {
            min_share: 0.25,
            ..replace("item.position == 1")
        };
        assert_eq!(shown(insert.clone(), 5, 0, 2), (2, "0*234*".to_owned()));
        assert_eq!(shown(insert, 5, 0, 0), (2, "01234".to_owned()));
    }

    #[test]
    fn a_share_of_the_items_is_drawn() {
        let half = InsertionPolicy {
            replace_share: 0.5,
            ..replace("true")
        };
        let (wanted, _) = shown(half, 40, 0, 0);
        assert!((8..=32).contains(&wanted), "{wanted}");
        let none = InsertionPolicy {
            replace_share: 0.0,
            ..replace("true")
        };
        assert_eq!(shown(none, 3, 0, 0), (0, "012".to_owned()));
    }
}
