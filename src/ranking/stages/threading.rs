use std::collections::HashMap;

use crate::ranking::{Policy, Slate};
use weir_feed::ContentItem;

/// For each item, the index of the item that it answers or belongs to in the same feed.
pub(in crate::ranking) type Parents = Vec<Option<usize>>;

/// Puts comments behind what they answer, if the policy keeps threads together.
pub fn apply(slate: &mut Slate<'_>, policy: &Policy) {
    if policy.config.keep_threads {
        let order = std::mem::take(&mut slate.order);
        slate.order = keep_together(&order, slate.parents());
    }
}

/// Finds out what each item answers: the comment it replies to, or else the post it belongs to, if that is in the feed.
pub(in crate::ranking) fn parents(items: &[ContentItem]) -> Parents {
    let indices: HashMap<&str, usize> = items
        .iter()
        .enumerate()
        .map(|(index, item)| (item.id.as_str(), index))
        .collect();
    let find = |id: &Option<String>| id.as_deref().and_then(|id| indices.get(id)).copied();
    let parent = |(index, item): (usize, &ContentItem)| {
        let parent = find(&item.parent_id).or_else(|| find(&item.post_id));
        parent.filter(|&parent| parent != index)
    };
    items.iter().enumerate().map(parent).collect()
}

/// Puts each comment behind its parent: a thread stands where its first item stands, and inside a thread the order is kept.
/// Items that answer each other in a circle keep their positions. `order` has indices of `parents`, each once.
fn keep_together(order: &[usize], parents: &Parents) -> Vec<usize> {
    let mut shown = vec![false; parents.len()];
    for &item in order {
        shown[item] = true;
    }
    let mut replies: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for &item in order {
        match parents[item].filter(|&parent| shown[parent]) {
            Some(parent) => replies.entry(parent).or_default().push(item),
            None => roots.push(item),
        }
    }
    let mut together = Vec::with_capacity(order.len());
    let mut pending: Vec<usize> = roots.into_iter().rev().collect();
    while let Some(item) = pending.pop() {
        together.push(item);
        shown[item] = false;
        pending.extend(replies.remove(&item).into_iter().flatten().rev());
    }
    let circles = order.iter().copied().filter(|&item| shown[item]);
    together.extend(circles);
    together
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{items, order_of, policy, slate_of};
    use super::*;

    #[test]
    fn comments_follow_their_post_in_the_order_of_their_own() {
        // 0 and 1 are posts; 2 and 3 are comments on 0, 4 is a reply to 3.
        let parents = vec![None, None, Some(0), Some(0), Some(3)];
        assert_eq!(keep_together(&[4, 3, 1, 2, 0], &parents), [1, 0, 3, 4, 2]);
    }

    #[test]
    fn comments_stay_with_their_post() {
        let mut policy = policy(0.0, &[1.0]);
        policy.config.keep_threads = true;
        let scores = [0.1, 0.5, 0.9, 0.2, 0.3, 0.4].map(Some).to_vec();
        let order = order_of(&policy, &items(2, 2), None, &[scores]);
        assert_eq!(order, [1, 4, 5, 0, 2, 3]);
    }

    #[test]
    fn threads_alone_are_an_intervention() {
        let (mut policy, items) = (policy(0.0, &[]), items(1, 1));
        policy.config.keep_threads = true;
        assert!(slate_of(&policy, &items, None, &[]).has_intervened(&policy));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_item_stays_once_whatever_belongs_to_what(
            (order, parents) in (0_usize..30).prop_flat_map(|items| (
                Just((0..items).collect::<Vec<_>>()).prop_shuffle(),
                prop::collection::vec(prop::option::of(0..items.max(1)), items),
            )),
        ) {
            let mut together = keep_together(&order, &parents);
            together.sort_unstable();
            prop_assert!(together.into_iter().eq(0..order.len()));
        }
    }
}
