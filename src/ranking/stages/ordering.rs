use std::cmp::Reverse;

use crate::ranking::slate::known;
use crate::ranking::{Policy, Score, Slate};

/// Values each item and orders those that are not removed from the highest value to the lowest. An item's value is that of the first
/// key, or else `entity_weight` x (-1 if it names a top entity, else +1) + the sum of weight x scaled score over the terms.
pub fn apply(slate: &mut Slate<'_>, policy: &Policy) {
    let items = 0..slate.items.len();
    slate.values = items
        .clone()
        .map(|item| value(slate, policy, item))
        .collect();
    slate.order = items.collect();
    if !slate.removed.is_empty() {
        let removed = &slate.removed;
        slate.order.retain(|&item| !removed[item]);
    }
    let values = std::mem::take(&mut slate.values);
    sort(slate, policy, &values);
    slate.values = values;
}

/// Orders the items from the highest value to the lowest. Equal values are ordered by the keys, if the policy has some, and then keep
/// the incoming order.
pub(super) fn sort(slate: &mut Slate<'_>, policy: &Policy, values: &[Score]) {
    match policy.order().zip(slate.expressions.as_ref()) {
        None => sort_by_value(&mut slate.order, values),
        Some((keys, computed)) => slate.order.sort_unstable_by(|&left, &right| {
            let by_value = values[right].cmp(&values[left]);
            by_value.then_with(|| keys.break_tie(computed, left, right).then(left.cmp(&right)))
        }),
    }
}

pub(super) fn sort_by_value(order: &mut [usize], values: &[Score]) {
    order.sort_unstable_by_key(|&item| (Reverse(values[item]), item));
}

fn value(slate: &Slate<'_>, policy: &Policy, item: usize) -> Score {
    if let Some((keys, computed)) = policy.order().zip(slate.expressions.as_ref()) {
        return keys.first_key(computed, item);
    }
    let entity_term = match &slate.entities {
        Some(entities) if policy.weighs_entities() => {
            let sign = if entities.has_match(item) { -1.0 } else { 1.0 };
            policy.config.entity_weight * sign
        }
        _ => 0.0,
    };
    let columns = policy.terms.iter().zip(&slate.columns);
    let score_terms =
        columns.map(|(term, column)| term.weight * term.scores.scaled(known(column, item)));
    Score::new(entity_term + score_terms.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{items, matches, order_of, policy, slate_of};
    use super::*;
    use crate::ranking::ScoreScale;

    #[test]
    fn items_that_name_an_entity_go_last_and_keep_their_order() {
        let (policy, items) = (policy(1.0, &[]), items(4, 0));
        let slate = slate_of(&policy, &items, Some(matches(&[0, 2])), &[]);
        assert_eq!(slate.order, [1, 3, 0, 2]);
        assert!(slate.has_intervened(&policy));
    }

    #[test]
    fn scores_order_within_what_the_entities_decide() {
        let scores = vec![Some(0.9), Some(-0.5), Some(-0.9), None];
        let entities = Some(matches(&[0]));
        let order = order_of(&policy(1.0, &[0.5]), &items(4, 0), entities, &[scores]);
        assert_eq!(order, [3, 1, 2, 0]);
    }

    #[test]
    fn with_nothing_known_the_order_is_the_incoming_one_and_no_intervention() {
        let (policy, items) = (policy(1.0, &[0.5]), items(3, 0));
        let slate = slate_of(&policy, &items, None, &[vec![None; 3]]);
        assert_eq!(slate.order, [0, 1, 2]);
        assert!(!slate.has_intervened(&policy));
    }

    #[test]
    fn an_entity_weight_of_zero_leaves_the_entities_out() {
        let (policy, items) = (policy(0.0, &[]), items(2, 0));
        let slate = slate_of(&policy, &items, Some(matches(&[0])), &[]);
        assert_eq!(slate.order, [0, 1]);
        assert!(!slate.has_intervened(&policy));
    }

    #[test]
    fn scores_are_scaled_before_they_are_weighed() {
        let mut policy = policy(0.0, &[1.0, 1.0]);
        policy.terms[0].scores.scale = ScoreScale {
            lowest: 0.0,
            highest: 100.0,
            factor: 0.01,
        };
        let columns = [vec![Some(1e9), Some(50.0)], vec![Some(0.0), Some(0.6)]];
        assert_eq!(order_of(&policy, &items(2, 0), None, &columns), [1, 0]);
    }

    #[test]
    fn ties_keep_the_incoming_order_and_odd_numbers_go_last() {
        let values = [0.0, f64::NAN, 1.0, 0.0, f64::INFINITY, 1.0].map(Score::new);
        let mut order = [5, 4, 3, 2, 1, 0];
        sort_by_value(&mut order, &values);
        assert_eq!(order, [2, 5, 0, 3, 1, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn values_fall_and_equal_ones_keep_the_incoming_order(values in prop::collection::vec(any::<f64>(), 0..200)) {
            let values: Vec<Score> = values.into_iter().map(Score::new).collect();
            let mut order: Vec<usize> = (0..values.len()).rev().collect();
            sort_by_value(&mut order, &values);
            prop_assert!(order.is_sorted_by(|&a, &b| values[a] > values[b] || (values[a] == values[b] && a < b)));
        }
    }
}
