use super::{Policy, Score, descending};

/// For each item, whether it names a top entity.
pub type EntityFlags = Vec<bool>;

/// For each item one scorer's score, or `None` where it gave none.
pub type Column = Vec<Option<f64>>;

/// The outcome of a policy over one feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The items' incoming places in the order to show them; every place once.
    pub order: Vec<usize>,
    /// Each item's value, by incoming place.
    pub values: Vec<Score>,
    /// Whether any term of the policy had something to say.
    pub intervened: bool,
}

/// Orders `items` items by `policy`.
///
/// `entities` is `None` while no top entities are known; `columns` stand in the order of the policy's terms. Missing
/// entities weigh nothing, a missing or non-finite score is the term's default, so that with nothing known the order is
/// the incoming one. Flags and columns shorter than the feed count as missing at their end.
pub fn rank(
    policy: &Policy,
    items: usize,
    entities: Option<&EntityFlags>,
    columns: &[Column],
) -> Ranking {
    let entities = entities.filter(|_| policy.uses_entities());
    let value = |place: usize| {
        let named = entities.and_then(|flags| flags.get(place)).copied();
        let entity_term = named.map_or(0.0, |named| {
            policy.entity_weight * if named { -1.0 } else { 1.0 }
        });
        let score_terms = policy.terms.iter().zip(columns).map(|(term, column)| {
            let score = known(column, place).unwrap_or(term.default);
            term.weight * score
        });
        Score::new(entity_term + score_terms.sum::<f64>())
    };
    let values: Vec<Score> = (0..items).map(value).collect();
    let live = |(term, column): (&super::Term, &Column)| {
        term.weight != 0.0 && (0..items).any(|place| known(column, place).is_some())
    };
    Ranking {
        order: descending(&values),
        values,
        intervened: entities.is_some() || policy.terms.iter().zip(columns).any(live),
    }
}

fn known(column: &Column, place: usize) -> Option<f64> {
    column
        .get(place)
        .copied()
        .flatten()
        .filter(|score| score.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Matching, Term};
    use super::*;

    fn policy(entity_weight: f64, weights: &[f64]) -> Policy {
        let term = |&weight: &f64| Term {
            scorer: "s".into(),
            weight,
            default: 0.0,
        };
        Policy {
            name: "p".into(),
            entity_weight,
            matching: Matching::Word,
            terms: weights.iter().map(term).collect(),
        }
    }

    #[test]
    fn items_that_name_an_entity_go_last_and_keep_their_order() {
        let ranking = rank(
            &policy(1.0, &[]),
            4,
            Some(&vec![true, false, true, false]),
            &[],
        );
        assert_eq!(ranking.order, [1, 3, 0, 2]);
        assert!(ranking.intervened);
    }

    #[test]
    fn scores_order_within_what_the_entities_decide() {
        let scores = vec![Some(0.9), Some(-0.5), Some(-0.9), None];
        let ranking = rank(
            &policy(1.0, &[0.5]),
            4,
            Some(&vec![true, false, false, false]),
            &[scores],
        );
        assert_eq!(ranking.order, [3, 1, 2, 0]);
    }

    #[test]
    fn with_nothing_known_the_order_is_the_incoming_one_and_no_intervention() {
        let ranking = rank(&policy(1.0, &[0.5]), 3, None, &[vec![None; 3]]);
        assert_eq!((ranking.order, ranking.intervened), (vec![0, 1, 2], false));
    }

    #[test]
    fn an_entity_weight_of_zero_leaves_the_entities_out() {
        let ranking = rank(&policy(0.0, &[]), 2, Some(&vec![true, false]), &[]);
        assert_eq!((ranking.order, ranking.intervened), (vec![0, 1], false));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_scores_give_every_place_once(
            flags in prop::option::of(prop::collection::vec(any::<bool>(), 0..40)),
            column in prop::collection::vec(prop::option::of(any::<f64>()), 0..40),
            (items, entity_weight, weight) in (0_usize..40, any::<f64>(), any::<f64>()),
        ) {
            let mut order = rank(&policy(entity_weight, &[weight]), items, flags.as_ref(), &[column]).order;
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..items));
        }
    }
}
