use crate::ranking::{Labels, Policy, Slate};
use weir_feed::RankRequest;

/// Computes the values of the policy's expressions, if it has any. It is the first stage. `labels` has a list for each term of the
/// policy, or none if there are no labels.
pub fn apply<'f>(
    slate: &mut Slate<'f>,
    policy: &'f Policy,
    feed: &'f RankRequest,
    labels: &'f [Labels],
) {
    let expressions = policy.expressions.as_ref();
    slate.expressions = expressions.map(|expressions| slate.evaluate(expressions, feed, labels));
}

#[cfg(test)]
mod tests {
    use super::super::diversity::AuthorDecay;
    use super::super::tests::{expressions, matches, request};
    use super::super::{diversity, fixed_positions, ordering, removal, threading};
    use super::*;
    use crate::ranking::{Column, EntityMatches, MissingKeyPolicy, PolicyConfig};

    fn policy(config: PolicyConfig, scorers: &[&str]) -> Policy {
        let mut policy = Policy::incoming_order("p");
        policy.expressions = expressions(&config, scorers);
        policy.config = config;
        policy
    }

    fn ordered(keys: &[&str]) -> PolicyConfig {
        PolicyConfig {
            entity_weight: 0.0,
            order: keys.iter().map(|key| (*key).to_owned()).collect(),
            ..PolicyConfig::default()
        }
    }

    /// Orders a feed by a policy over the scores `s`, and returns whether that was an intervention.
    fn run(
        config: PolicyConfig,
        feed: &RankRequest,
        scores: &[Option<f64>],
        entities: Option<EntityMatches>,
    ) -> (Vec<usize>, bool) {
        let policy = policy(config, &["s"]);
        let columns: Vec<Column> = vec![scores.to_vec()];
        let mut slate = Slate::new(&feed.items, columns, entities);
        apply(&mut slate, &policy, feed, &[]);
        removal::apply(&mut slate, &policy);
        ordering::apply(&mut slate, &policy);
        diversity::apply(&mut slate, &policy);
        fixed_positions::apply(&mut slate, &policy);
        threading::apply(&mut slate, &policy);
        let intervened = slate.has_intervened(&policy);
        (slate.order, intervened)
    }

    fn order(config: PolicyConfig, scores: &[Option<f64>]) -> Vec<usize> {
        run(config, &request(scores.len(), 0), scores, None).0
    }

    #[test]
    fn the_first_key_decides_and_further_keys_break_its_ties() {
        let scores = [0.1, 0.9, 0.2, 0.8].map(Some);
        let config = ordered(&["bucket(s, 0.5) asc", "s desc"]);
        assert_eq!(order(config, &scores), [2, 0, 1, 3]);
        let texts = ordered(&["if(s > 0.5, 'b', 'a') desc", "item.position desc"]);
        assert_eq!(order(texts, &scores), [3, 1, 2, 0]);
    }

    #[test]
    fn ties_keep_the_incoming_order_and_missing_values_are_last() {
        let scores = [None, Some(0.5), None, Some(0.5), Some(0.9)];
        assert_eq!(order(ordered(&["s desc"]), &scores), [4, 1, 3, 0, 2]);
        assert_eq!(order(ordered(&["s asc"]), &scores), [1, 3, 4, 0, 2]);
    }

    #[test]
    fn an_item_with_a_missing_key_may_keep_its_position() {
        let scores = [None, Some(0.1), None, Some(0.5), Some(0.9)];
        let config = PolicyConfig {
            missing: MissingKeyPolicy::KeepPosition,
            ..ordered(&["s desc"])
        };
        assert_eq!(order(config, &scores), [0, 4, 2, 3, 1]);
    }

    #[test]
    fn items_that_are_not_reranked_keep_their_positions() {
        let scores = [0.1, 0.2, 0.3, 0.4, 0.5].map(Some);
        let config = PolicyConfig {
            rerank_only: "item.position != 2 and s > 0.1".to_owned(),
            ..ordered(&["s desc"])
        };
        assert_eq!(order(config, &scores), [0, 4, 2, 3, 1]);
    }

    #[test]
    fn removed_items_take_their_replies_along_and_a_missing_condition_removes_none() {
        let config = PolicyConfig {
            remove: "s < 0".to_owned(),
            ..ordered(&["s desc"])
        };
        // 0 and 1 are posts, 2 and 3 comments on the first, 4 and 5 on the second.
        let scores = [
            Some(-1.0),
            None,
            Some(5.0),
            Some(5.0),
            Some(1.0),
            Some(-0.5),
        ];
        let (order, intervened) = run(config, &request(2, 2), &scores, None);
        assert_eq!((order.as_slice(), intervened), ([4, 1].as_slice(), true));
    }

    #[test]
    fn functions_over_the_feed_leave_removed_items_out() {
        let config = PolicyConfig {
            remove: "s > 9".to_owned(),
            ..ordered(&["bucket(feed.minmax(s), 0.5, 1) desc"])
        };
        let scores = [0.0, 10.0, 2.0, 4.0].map(Some);
        assert_eq!(order(config, &scores), [3, 2, 0]);
    }

    #[test]
    fn conditions_stand_beside_weights() {
        let mut policy_of_weights = policy(
            PolicyConfig {
                entity_weight: 0.0,
                remove: "item.position == 0".to_owned(),
                rerank_only: "item.position != 1".to_owned(),
                ..PolicyConfig::default()
            },
            &["s"],
        );
        policy_of_weights.terms = vec![crate::ranking::ScorerTerm::new("s", 1.0)];
        let feed = request(4, 0);
        let mut slate = Slate::new(
            &feed.items,
            vec![[0.9, 0.1, 0.2, 0.3].map(Some).to_vec()],
            None,
        );
        apply(&mut slate, &policy_of_weights, &feed, &[]);
        removal::apply(&mut slate, &policy_of_weights);
        ordering::apply(&mut slate, &policy_of_weights);
        fixed_positions::apply(&mut slate, &policy_of_weights);
        assert_eq!(slate.order, [1, 3, 2]);
    }

    #[test]
    fn names_of_entities_are_missing_while_none_are_known() {
        let config = ordered(&["if(names_entity, 1, 0) asc"]);
        let feed = request(3, 0);
        let (order, intervened) = run(config.clone(), &feed, &[], Some(matches(&[0])));
        assert_eq!((order.as_slice(), intervened), ([1, 2, 0].as_slice(), true));
        let (order, intervened) = run(config, &feed, &[], None);
        assert_eq!(
            (order.as_slice(), intervened),
            ([0, 1, 2].as_slice(), false)
        );
    }

    #[test]
    fn author_decay_lowers_the_first_key_in_either_direction() {
        let mut feed = request(3, 0);
        for item in &mut feed.items {
            item.author_name_hash = "one".to_owned();
        }
        feed.items[2].author_name_hash = "other".to_owned();
        for (key, scores) in [("s desc", [1.0, 0.9, 0.5]), ("s asc", [-1.0, -0.9, -0.5])] {
            let config = PolicyConfig {
                author_decay: AuthorDecay {
                    factor: 0.0,
                    floor: 0.0,
                },
                ..ordered(&[key, "item.position desc"])
            };
            let (order, _) = run(config, &feed, &scores.map(Some), None);
            assert_eq!(order, [0, 2, 1], "{key}");
        }
    }
}
