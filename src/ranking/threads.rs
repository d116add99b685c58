use std::collections::HashMap;

use weir_feed::ContentItem;

/// For each item, the place of the item it answers or belongs to in the same feed.
pub(super) type Parents = Vec<Option<usize>>;

/// What each item answers: the comment it replies to, or else the post it belongs to, if that is in the feed.
pub(super) fn parents(items: &[ContentItem]) -> Parents {
    let places: HashMap<&str, usize> = items
        .iter()
        .enumerate()
        .map(|(place, item)| (item.id.as_str(), place))
        .collect();
    let find = |id: &Option<String>| id.as_deref().and_then(|id| places.get(id)).copied();
    let parent = |(place, item): (usize, &ContentItem)| {
        let parent = find(&item.parent_id).or_else(|| find(&item.post_id));
        parent.filter(|&parent| parent != place)
    };
    items.iter().enumerate().map(parent).collect()
}

/// Puts each comment behind its parent: threads stand where their first item stands, and inside a thread the order is kept.
/// Items that belong to each other in a circle keep their places. `order` holds places of `parents`, each once.
pub(super) fn keep_together(order: &[usize], parents: &Parents) -> Vec<usize> {
    let mut shown = vec![false; parents.len()];
    for &place in order {
        shown[place] = true;
    }
    let mut replies: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for &place in order {
        match parents[place].filter(|&parent| shown[parent]) {
            Some(parent) => replies.entry(parent).or_default().push(place),
            None => roots.push(place),
        }
    }
    let mut together = Vec::with_capacity(order.len());
    let mut pending: Vec<usize> = roots.into_iter().rev().collect();
    while let Some(place) = pending.pop() {
        together.push(place);
        shown[place] = false;
        pending.extend(replies.remove(&place).into_iter().flatten().rev());
    }
    let circles = order.iter().copied().filter(|&place| shown[place]);
    together.extend(circles);
    together
}

/// Adds to `removed` every reply, however deep, to what is removed.
pub(super) fn take_replies_along(removed: &mut [bool], parents: &Parents) {
    for place in 0..removed.len() {
        let mut ancestor = place;
        // No chain of parents is longer than the feed, unless it is a circle.
        for _ in 0..removed.len() {
            let Some(parent) = parents[ancestor] else {
                break;
            };
            ancestor = parent;
            if removed[ancestor] {
                removed[place] = true;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_follow_their_post_in_the_order_of_their_own() {
        // 0 and 1 are posts; 2 and 3 are comments on 0, 4 is a reply to 3.
        let parents = vec![None, None, Some(0), Some(0), Some(3)];
        assert_eq!(keep_together(&[4, 3, 1, 2, 0], &parents), [1, 0, 3, 4, 2]);
    }

    #[test]
    fn a_removed_item_takes_its_replies_along() {
        let parents = vec![None, None, Some(0), Some(2), Some(1)];
        let mut removed = [true, false, false, false, false];
        take_replies_along(&mut removed, &parents);
        assert_eq!(removed, [true, false, true, true, false]);
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

        #[test]
        fn what_answers_a_removed_item_is_removed_and_nothing_else(
            (before, parents) in (0_usize..30).prop_flat_map(|items| (
                prop::collection::vec(any::<bool>(), items),
                prop::collection::vec(prop::option::of(0..items.max(1)), items),
            )),
        ) {
            let mut removed = before.clone();
            take_replies_along(&mut removed, &parents);
            for place in 0..parents.len() {
                let follows = parents[place].is_some_and(|parent| removed[parent]);
                prop_assert_eq!(removed[place], before[place] || follows);
            }
        }
    }
}
