use xxhash_rust::xxh3::xxh3_64;

use super::pins::keep_pinned;
use super::threads::{keep_together, parents, take_replies_along};
use super::{Policy, Score, Term, Unscored, descending};
use weir_feed::ContentItem;

/// For each item, whether it names a top entity.
pub type EntityFlags = Vec<bool>;

/// For each item one scorer's raw score, or `None` where it gave none.
pub type Column = Vec<Option<f64>>;

/// The outcome of a policy over one feed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// The items' incoming places in the order to show them; every place once, but for those removed.
    pub order: Vec<usize>,
    /// Each item's value before anything but its own merit counted, by incoming place.
    pub values: Vec<Score>,
    /// Whether any term of the policy had something to say.
    pub intervened: bool,
}

/// Orders `items` by `policy`. Only an exclusion of a term removes any, each with its replies.
///
/// `entities` is `None` while no top entities are known; `columns` stand in the order of the policy's terms. Missing
/// entities weigh nothing, so that with nothing known the order is the incoming one. Flags and columns shorter than the
/// feed count as missing at their end.
pub fn rank(
    policy: &Policy,
    items: &[ContentItem],
    entities: Option<&EntityFlags>,
    columns: &[Column],
) -> Ranking {
    let entities = entities.filter(|_| policy.uses_entities());
    let values: Vec<Score> = (0..items.len())
        .map(|place| value(policy, place, entities, columns))
        .collect();
    let mut removed = excluded(policy, items.len(), columns);
    let excludes = removed.contains(&true);
    let parents = (policy.keep_threads || excludes).then(|| parents(items));
    if let Some(parents) = parents.as_ref().filter(|_| excludes) {
        take_replies_along(&mut removed, parents);
    }
    let shown_author = |place: usize| (!removed[place]).then(|| author(&items[place]));
    let decayed = policy
        .author_decay
        .map(|decay| decay.apply(&values, shown_author));
    let mut order = descending(decayed.as_ref().unwrap_or(&values));
    order.retain(|&place| !removed[place]);
    keep_pinned(&mut order, |place| is_pinned(policy, place, columns));
    if let Some(parents) = parents.filter(|_| policy.keep_threads) {
        order = keep_together(&order, &parents);
    }
    let live = |(term, column): (&Term, &Column)| {
        term.matters() && (0..items.len()).any(|place| known(column, place).is_some())
    };
    Ranking {
        order,
        values,
        intervened: policy.keep_threads
            || entities.is_some()
            || policy.terms.iter().zip(columns).any(live),
    }
}

fn value(
    policy: &Policy,
    place: usize,
    entities: Option<&EntityFlags>,
    columns: &[Column],
) -> Score {
    let named = entities.and_then(|flags| flags.get(place)).copied();
    let entity_term = named.map_or(0.0, |named| {
        policy.entity_weight * if named { -1.0 } else { 1.0 }
    });
    let score_terms = policy.terms.iter().zip(columns).map(|(term, column)| {
        let raw = known(column, place).unwrap_or(match term.unscored {
            Unscored::Default(default) => default,
            Unscored::KeepPosition => 0.0,
        });
        term.weight * term.scale.apply(raw)
    });
    Score::new(entity_term + score_terms.sum::<f64>())
}

fn excluded(policy: &Policy, items: usize, columns: &[Column]) -> Vec<bool> {
    let excludes = |place: usize| {
        let mut terms = policy.terms.iter().zip(columns);
        terms.any(|(term, column)| {
            known(column, place).is_some_and(|score| term.exclude.removes(score))
        })
    };
    (0..items).map(excludes).collect()
}

fn is_pinned(policy: &Policy, place: usize, columns: &[Column]) -> bool {
    let mut terms = policy.terms.iter().zip(columns);
    terms.any(|(term, column)| {
        term.unscored == Unscored::KeepPosition && known(column, place).is_none()
    })
}

fn author(item: &ContentItem) -> u64 {
    xxh3_64(item.author_name_hash.as_bytes())
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
    use chrono::Utc;
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::super::{AuthorDecay, Exclude, Scale};
    use super::*;
    use weir_feed::Platform;
    use weir_feed::fake::FakeFeed;

    fn items(posts: usize, comments: usize) -> Vec<ContentItem> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        FakeFeed {
            posts,
            comments,
            platform: Platform::Facebook,
            now: Utc::now(),
        }
        .request(&mut rng)
        .items
    }

    fn policy(entity_weight: f64, weights: &[f64]) -> Policy {
        let terms = weights
            .iter()
            .map(|&weight| Term::weighing("s", weight))
            .collect();
        Policy {
            entity_weight,
            terms,
            ..Policy::named("p")
        }
    }

    #[test]
    fn items_that_name_an_entity_go_last_and_keep_their_order() {
        let ranking = rank(
            &policy(1.0, &[]),
            &items(4, 0),
            Some(&vec![true, false, true, false]),
            &[],
        );
        assert_eq!(ranking.order, [1, 3, 0, 2]);
        assert!(ranking.intervened);
    }

    #[test]
    fn scores_order_within_what_the_entities_decide() {
        let scores = vec![Some(0.9), Some(-0.5), Some(-0.9), None];
        let flags = vec![true, false, false, false];
        let ranking = rank(&policy(1.0, &[0.5]), &items(4, 0), Some(&flags), &[scores]);
        assert_eq!(ranking.order, [3, 1, 2, 0]);
    }

    #[test]
    fn with_nothing_known_the_order_is_the_incoming_one_and_no_intervention() {
        let ranking = rank(&policy(1.0, &[0.5]), &items(3, 0), None, &[vec![None; 3]]);
        assert_eq!((ranking.order, ranking.intervened), (vec![0, 1, 2], false));
    }

    #[test]
    fn an_entity_weight_of_zero_leaves_the_entities_out() {
        let ranking = rank(
            &policy(0.0, &[]),
            &items(2, 0),
            Some(&vec![true, false]),
            &[],
        );
        assert_eq!((ranking.order, ranking.intervened), (vec![0, 1], false));
    }

    #[test]
    fn scores_are_scaled_before_they_are_weighed() {
        let mut policy = policy(0.0, &[1.0, 1.0]);
        policy.terms[0].scale = Scale {
            lowest: 0.0,
            highest: 100.0,
            factor: 0.01,
        };
        let columns = [vec![Some(1e9), Some(50.0)], vec![Some(0.0), Some(0.6)]];
        assert_eq!(rank(&policy, &items(2, 0), None, &columns).order, [1, 0]);
    }

    #[test]
    fn an_excluded_post_goes_with_its_comments_and_an_unscored_one_stays() {
        let mut policy = policy(0.0, &[0.0]);
        policy.terms[0].exclude = Exclude {
            below: Some(-0.5),
            above: None,
        };
        let items = items(2, 2);
        let scores = vec![
            Some(-0.9),
            None,
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(-0.9),
        ];
        let ranking = rank(&policy, &items, None, &[scores]);
        assert_eq!(
            ranking.order,
            [1, 4],
            "the first post with both comments, and the last comment"
        );
        assert!(ranking.intervened);
    }

    #[test]
    fn an_unscored_item_may_keep_its_position() {
        let mut policy = policy(0.0, &[1.0]);
        policy.terms[0].unscored = Unscored::KeepPosition;
        let scores = vec![Some(0.1), None, Some(0.9), Some(0.5)];
        assert_eq!(
            rank(&policy, &items(4, 0), None, &[scores]).order,
            [2, 1, 3, 0]
        );
    }

    #[test]
    fn comments_stay_with_their_post() {
        let policy = Policy {
            keep_threads: true,
            ..policy(0.0, &[1.0])
        };
        let scores = [0.1, 0.5, 0.9, 0.2, 0.3, 0.4].map(Some).to_vec();
        assert_eq!(
            rank(&policy, &items(2, 2), None, &[scores]).order,
            [1, 4, 5, 0, 2, 3]
        );
    }

    #[test]
    fn an_excluded_post_does_not_make_another_of_its_author_a_further_one() {
        let mut items = items(3, 0);
        items[1].author_name_hash = items[0].author_name_hash.clone();
        let mut policy = policy(0.0, &[1.0]);
        policy.author_decay = Some(AuthorDecay {
            factor: 0.1,
            floor: 0.0,
        });
        policy.terms[0].exclude.above = Some(0.95);
        let scores = [1.0, 0.9, 0.8].map(Some).to_vec();
        assert_eq!(rank(&policy, &items, None, &[scores]).order, [1, 2]);
    }

    #[test]
    fn threads_alone_are_an_intervention() {
        let policy = Policy {
            keep_threads: true,
            ..policy(0.0, &[])
        };
        assert!(rank(&policy, &items(1, 1), None, &[]).intervened);
    }

    #[test]
    fn further_posts_of_an_author_count_less() {
        let mut items = items(4, 0);
        items[1].author_name_hash = items[0].author_name_hash.clone();
        let decay = Some(AuthorDecay {
            factor: 0.5,
            floor: 0.1,
        });
        let policy = Policy {
            author_decay: decay,
            ..policy(0.0, &[1.0])
        };
        let scores = [1.0, 0.9, 0.8, 0.0].map(Some).to_vec();
        assert_eq!(rank(&policy, &items, None, &[scores]).order, [0, 2, 1, 3]);
    }

    prop_compose! {
        fn any_policy()(
            (entity_weight, weight, pinned) in (any::<f64>(), any::<f64>(), any::<bool>()),
            (factor, floor, decays, keep_threads) in (0.0..=1.0_f64, 0.0..=1.0_f64, any::<bool>(), any::<bool>()),
        ) -> Policy {
            let mut policy = policy(entity_weight, &[weight]);
            if pinned {
                policy.terms[0].unscored = Unscored::KeepPosition;
            }
            policy.author_decay = decays.then_some(AuthorDecay { factor, floor });
            Policy { keep_threads, ..policy }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_policy_and_scores_give_every_place_once(
            policy in any_policy(),
            flags in prop::option::of(prop::collection::vec(any::<bool>(), 0..40)),
            column in prop::collection::vec(prop::option::of(any::<f64>()), 0..40),
            (posts, comments) in (0_usize..12, 0_usize..3),
        ) {
            let items = items(posts, comments);
            let mut order = rank(&policy, &items, flags.as_ref(), &[column]).order;
            order.sort_unstable();
            prop_assert!(order.into_iter().eq(0..items.len()));
        }
    }
}
