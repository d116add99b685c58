use serde::Serialize;

use super::threading::Parents;
use crate::ranking::slate::known;
use crate::ranking::{OutputSetting, Policy, Slate};

/// `[policies.NAME.exclude] SCORER.OUTPUT`: raw scores that remove their items; an item without a score stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct RemovalRule {
    /// Scores below this remove.
    pub below: Option<f64>,
    /// Scores above this remove.
    pub above: Option<f64>,
}

impl RemovalRule {
    pub(crate) fn is_set(self) -> bool {
        self.below.is_some() || self.above.is_some()
    }

    fn removes(self, score: f64) -> bool {
        self.below.is_some_and(|below| score < below)
            || self.above.is_some_and(|above| score > above)
    }
}

impl OutputSetting for RemovalRule {
    const KEYS: &'static [&'static str] = &["below", "above"];

    fn set(&mut self, key: &str, number: f64) {
        match key {
            "below" => self.below = Some(number),
            _ => self.above = Some(number),
        }
    }
}

/// Removes the items that a rule of the policy removes, each with its replies.
pub fn apply(slate: &mut Slate<'_>, policy: &Policy) {
    let expressions = policy.expressions.as_ref().zip(slate.expressions.as_ref());
    if expressions.is_none() && !policy.terms.iter().any(|term| term.removal.is_set()) {
        return;
    }
    let is_removed = |item: usize| {
        if expressions.is_some_and(|(them, values)| them.removes(values, item)) {
            return true;
        }
        let mut terms = policy.terms.iter().zip(&slate.columns);
        terms.any(|(term, column)| {
            let score = known(column, item);
            score.is_some_and(|score| term.removal.removes(score))
        })
    };
    let mut removed: Vec<bool> = (0..slate.items.len()).map(is_removed).collect();
    if removed.contains(&true) {
        cascade_to_replies(&mut removed, slate.parents());
        slate.removed = removed;
    }
}

/// Adds to `removed` every reply, however deep, to what is removed.
pub(super) fn cascade_to_replies(removed: &mut [bool], parents: &Parents) {
    for item in 0..removed.len() {
        let mut ancestor = item;
        // No chain of parents is longer than the feed, unless it is a circle.
        for _ in 0..removed.len() {
            let Some(parent) = parents[ancestor] else {
                break;
            };
            ancestor = parent;
            if removed[ancestor] {
                removed[item] = true;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{items, order_of, policy};
    use super::*;

    #[test]
    fn a_removed_post_takes_its_comments_along_and_one_without_a_score_stays() {
        let mut policy = policy(0.0, &[0.0]);
        policy.terms[0].removal.below = Some(-0.5);
        let scores = [
            Some(-0.9),
            None,
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(-0.9),
        ];
        let order = order_of(&policy, &items(2, 2), None, &[scores.to_vec()]);
        assert_eq!(
            order,
            [1, 4],
            "the first post with both comments, and the last comment"
        );
    }

    #[test]
    fn a_removed_item_takes_its_replies_along() {
        let parents = vec![None, None, Some(0), Some(2), Some(1)];
        let mut removed = [true, false, false, false, false];
        cascade_to_replies(&mut removed, &parents);
        assert_eq!(removed, [true, false, true, true, false]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_answers_a_removed_item_is_removed_and_nothing_else(
            (before, parents) in (0_usize..30).prop_flat_map(|items| (
                prop::collection::vec(any::<bool>(), items),
                prop::collection::vec(prop::option::of(0..items.max(1)), items),
            )),
        ) {
            let mut removed = before.clone();
            cascade_to_replies(&mut removed, &parents);
            for item in 0..parents.len() {
                let follows = parents[item].is_some_and(|parent| removed[parent]);
                prop_assert_eq!(removed[item], before[item] || follows);
            }
        }
    }
}
