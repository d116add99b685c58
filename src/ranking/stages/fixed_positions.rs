use crate::ranking::slate::known;
use crate::ranking::{MissingScorePolicy, Policy, ScorerTerm, Slate};

/// Puts items back to their incoming position that take no part in the order, and those without a score whose scorer asks for it.
pub fn apply(slate: &mut Slate<'_>, policy: &Policy) {
    let keeps = |term: &ScorerTerm| {
        term.matters() && term.scores.unscored == MissingScorePolicy::KeepPosition
    };
    let expressions = policy.expressions.as_ref().zip(slate.expressions.as_ref());
    let expressions = expressions.filter(|(them, _)| them.fixes_positions());
    if expressions.is_none() && !policy.terms.iter().any(keeps) {
        return;
    }
    let columns = &slate.columns;
    restore_fixed(&mut slate.order, |item| {
        if expressions.is_some_and(|(them, values)| them.is_fixed(values, item)) {
            return true;
        }
        let mut terms = policy.terms.iter().zip(columns);
        terms.any(|(term, column)| keeps(term) && known(column, item).is_none())
    });
}

/// Puts fixed items back to their incoming position, counted among the items of `order`; the others keep their order around
/// them.
fn restore_fixed(order: &mut Vec<usize>, is_fixed: impl Fn(usize) -> bool) {
    if !order.iter().any(|&item| is_fixed(item)) {
        return;
    }
    let mut incoming = order.clone();
    incoming.sort_unstable();
    let mut movable = order.iter().copied().filter(|&item| !is_fixed(item));
    let restored = incoming.into_iter().filter_map(|item| {
        if is_fixed(item) {
            Some(item)
        } else {
            movable.next()
        }
    });
    *order = restored.collect();
}

#[cfg(test)]
mod tests {
    use super::super::tests::{items, order_of, policy};
    use super::*;

    fn restored(mut order: Vec<usize>, fixed: &[usize]) -> Vec<usize> {
        restore_fixed(&mut order, |item| fixed.contains(&item));
        order
    }

    #[test]
    fn fixed_items_return_to_their_incoming_position() {
        assert_eq!(restored(vec![3, 2, 1, 0], &[0, 2]), [0, 3, 2, 1]);
        assert_eq!(restored(vec![2, 1, 0], &[]), [2, 1, 0]);
        assert_eq!(restored(vec![2, 1, 0], &[0, 1, 2]), [0, 1, 2]);
    }

    #[test]
    fn removed_items_leave_no_gap() {
        assert_eq!(restored(vec![5, 3, 1], &[3]), [5, 3, 1]);
        assert_eq!(restored(vec![5, 1, 3], &[5]), [1, 3, 5]);
    }

    #[test]
    fn an_item_without_a_score_may_keep_its_position() {
        let mut policy = policy(0.0, &[1.0]);
        policy.terms[0].scores.unscored = MissingScorePolicy::KeepPosition;
        let scores = vec![Some(0.1), None, Some(0.9), Some(0.5)];
        let order = order_of(&policy, &items(4, 0), None, &[scores]);
        assert_eq!(order, [2, 1, 3, 0]);
    }
}
