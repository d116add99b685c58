//! The stages that order, run one after the other, and what their tests share.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use proptest::prelude::*;
use rand::SeedableRng;

use super::diversity::AuthorDecay;
use super::{diversity, fixed_positions, ordering, removal, threading};
use crate::ranking::{
    Column, EntityMatch, EntityMatcher, EntityMatches, MissingScorePolicy, NamedEntity, Policy,
    PolicyConfig, PolicyExpressions, ScorerOutput, ScorerTerm, Slate, TopEntitySet, Vocabulary,
};
use crate::scoring::Outputs;
use weir_feed::{ContentItem, Platform, RankRequest};
use weir_lab::FakeFeed;

pub(super) fn request(posts: usize, comments: usize) -> RankRequest {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    FakeFeed {
        posts,
        comments,
        platform: Platform::Facebook,
        now: Utc::now(),
    }
    .request(&mut rng)
}

pub(super) fn items(posts: usize, comments: usize) -> Vec<ContentItem> {
    request(posts, comments).items
}

/// Compiles the expressions of a policy over these scorers, whose columns come in this order.
pub(super) fn expressions(config: &PolicyConfig, scorers: &[&str]) -> Option<PolicyExpressions> {
    let outputs = scorers.iter().map(|scorer| (*scorer, Outputs::default()));
    let vocabulary = Vocabulary::new(&outputs.collect(), &BTreeMap::new());
    let compiled = PolicyExpressions::compile(config, &vocabulary).unwrap()?;
    let column_of = |output: &ScorerOutput| {
        let mut names = scorers.iter();
        names.position(|name| *name == output.scorer).unwrap()
    };
    Some(compiled.with_columns(column_of))
}

pub(super) fn policy(entity_weight: f64, weights: &[f64]) -> Policy {
    let terms = weights.iter().map(|&weight| ScorerTerm::new("s", weight));
    let mut policy = Policy::incoming_order("p");
    policy.config.entity_weight = entity_weight;
    policy.terms = terms.collect();
    policy
}

/// Matches of 40 items, of which these name an entity.
pub(super) fn matches(naming: &[usize]) -> EntityMatches {
    let name = "Weir".to_owned();
    let named = NamedEntity {
        name: name.clone(),
        forms: Vec::new(),
    };
    let set = TopEntitySet {
        matcher: EntityMatcher::new(&[named]).unwrap(),
        as_of: Utc::now(),
    };
    let mut items = items(40, 0);
    for (index, item) in items.iter_mut().enumerate() {
        item.title = None;
        item.text = String::new();
        if naming.contains(&index) {
            item.text.clone_from(&name);
        }
    }
    EntityMatches::find(&items, EntityMatch::Word, Arc::new(set))
}

pub(super) fn slate_of<'f>(
    policy: &Policy,
    items: &'f [ContentItem],
    entities: Option<EntityMatches>,
    columns: &[Column],
) -> Slate<'f> {
    let mut slate = Slate::new(items, columns.to_vec(), entities);
    removal::apply(&mut slate, policy);
    ordering::apply(&mut slate, policy);
    diversity::apply(&mut slate, policy);
    fixed_positions::apply(&mut slate, policy);
    threading::apply(&mut slate, policy);
    slate
}

pub(super) fn order_of(
    policy: &Policy,
    items: &[ContentItem],
    entities: Option<EntityMatches>,
    columns: &[Column],
) -> Vec<usize> {
    slate_of(policy, items, entities, columns).order
}

prop_compose! {
    fn any_policy()(
        (entity_weight, weight, fixed) in (any::<f64>(), any::<f64>(), any::<bool>()),
        (factor, floor, keep_threads) in (0.0..=1.0_f64, 0.0..=1.0_f64, any::<bool>()),
    ) -> Policy {
        let mut policy = policy(entity_weight, &[weight]);
        if fixed {
            policy.terms[0].scores.unscored = MissingScorePolicy::KeepPosition;
        }
        policy.config.author_decay = AuthorDecay { factor, floor };
        policy.config.keep_threads = keep_threads;
        policy
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_policy_and_scores_give_every_item_once(
        policy in any_policy(),
        naming in prop::option::of(prop::collection::vec(0_usize..40, 0..40)),
        column in prop::collection::vec(prop::option::of(any::<f64>()), 0..40),
        (posts, comments) in (0_usize..12, 0_usize..3),
    ) {
        let items = items(posts, comments);
        let entities = naming.map(|naming| matches(&naming));
        let mut order = order_of(&policy, &items, entities, &[column]);
        order.sort_unstable();
        prop_assert!(order.into_iter().eq(0..items.len()));
    }
}
