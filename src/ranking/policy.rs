use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_expressions::MAX_KEYS;

use super::stages::diversity::AuthorDecay;
use super::stages::insertion::InsertionPolicy;
use super::stages::markers::{self, Marker};
use super::stages::removal::RemovalRule;
use super::{
    ByOutput, EntityMatch, MissingKeyPolicy, OutputUse, PolicyExpressions, ScorerOutputs,
    Vocabulary,
};
use crate::settings::Check;

/// `[policies.NAME]`: an item is ordered by the keys of `order`, or by `entity_weight` x (-1 if it names a top entity, else +1) + the
/// sum of weight x score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// Weight of not naming a top entity; 0 leaves entities out, below 0 prefers the items that name one.
    pub entity_weight: f64,
    /// When an item counts as naming an entity.
    #[serde(rename = "match")]
    pub entity_match: EntityMatch,
    /// Weight of each output of scorers under `[scorers]`; a scorer that is not here does not run.
    pub weights: ByOutput<f64>,
    /// Sort keys, each an expression with `asc` or `desc`; they take the place of `weights` and `entity_weight`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Condition that an item meets to be ordered; the others keep their incoming positions. Empty for all items.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rerank_only: String,
    /// Condition that an item meets to be removed, replies and all. Empty for no items.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remove: String,
    /// Treatment of an item of which a key of `order` is missing.
    #[serde(skip_serializing_if = "is_default")]
    pub missing: MissingKeyPolicy,
    /// How further posts of one author count less.
    pub author_decay: AuthorDecay,
    /// Whether comments stand behind what they answer, whatever their own value.
    pub keep_threads: bool,
    /// Which items are removed, replies and all, by the raw scores of scorers under `[scorers]`.
    pub exclude: ByOutput<RemovalRule>,
    /// How candidates are inserted.
    pub insert: InsertionPolicy,
    /// Posts that are put before the first item that meets a condition.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marker: Vec<Marker>,
    /// `false` removes the policy.
    pub enabled: bool,
}

/// How the items of a feed are ordered.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Name by which the policy is reported.
    pub name: String,
    /// Configuration of the stages.
    pub config: PolicyConfig,
    /// Terms of the outputs that the configuration names.
    pub terms: Vec<ScorerTerm>,
    /// Expressions of the configuration, if it has any.
    pub expressions: Option<PolicyExpressions>,
}

/// Part of one output of a scorer in a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerTerm {
    /// Name of the scorer, with that of the output if it has several.
    pub name: String,
    /// Factor of its scaled scores. A term of weight 0 may still remove items.
    pub weight: f64,
    /// Which items it removes from the feed.
    pub removal: RemovalRule,
    /// What its raw scores become first, and what stands for one that is missing.
    pub scores: OutputUse,
}

impl PolicyConfig {
    /// Checks what types cannot express; `scorers` are those that a weight may be for, and expressions use the `vocabulary`.
    pub(crate) fn check(
        &self,
        check: &mut Check,
        scorers: &ScorerOutputs<'_>,
        vocabulary: &Vocabulary,
    ) {
        self.check_order(check);
        self.check_expressions(check, vocabulary);
        check.finite("entity_weight", self.entity_weight);
        check.under("insert", |check| self.insert.check(check));
        markers::check(&self.marker, check);
        check.under("weights", |check| {
            self.weights.check(check, scorers, |check, output, weight| {
                check.finite(output, *weight);
            });
        });
        check.under("exclude", |check| {
            self.exclude.check(check, scorers, |check, output, rule| {
                check.require(output, rule.is_set(), || {
                    "expected below, above or both".to_owned()
                });
            });
        });
        check.under("author_decay", |check| self.author_decay.check(check));
    }

    /// Checks that there is one way to order.
    fn check_order(&self, check: &mut Check) {
        let by_weights = self.weights.iter().next().is_some() || self.entity_weight != 0.0;
        check.require("order", self.order.is_empty() || !by_weights, || {
            "expected either order or weights and entity_weight beside it".to_owned()
        });
        check.require("order", self.order.len() <= MAX_KEYS, || {
            format!(
                "expected at most {MAX_KEYS} keys, found {}",
                self.order.len()
            )
        });
        let needless = self.order.is_empty() && self.missing != MissingKeyPolicy::default();
        check.require("missing", !needless, || {
            "expected an order beside it; with weights, a scorer's unscored says so".to_owned()
        });
    }

    fn check_expressions(&self, check: &mut Check, vocabulary: &Vocabulary) {
        match PolicyExpressions::compile(self, vocabulary) {
            Ok(expressions) => {
                let decays =
                    expressions.is_none_or(|them| !them.has_order() || them.orders_by_number());
                let text = "needs a number as the first key of order".to_owned();
                check.require(
                    "author_decay",
                    self.author_decay.factor >= 1.0 || decays,
                    || text,
                );
            }
            Err(issues) => {
                for issue in issues {
                    check.report(
                        issue.key,
                        issue.element,
                        issue.below,
                        issue.error.to_string(),
                    );
                }
            }
        }
    }

    /// Returns the policies that are configured by default.
    pub(crate) fn shipped() -> BTreeMap<String, Self> {
        let calm = Self {
            weights: [("sentiment".to_owned(), 0.5)].into(),
            ..Self::default()
        };
        let off = Self {
            entity_weight: 0.0,
            ..Self::default()
        };
        [
            ("calm".to_owned(), calm),
            ("entities".to_owned(), Self::default()),
            ("off".to_owned(), off),
        ]
        .into()
    }
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            entity_weight: 1.0,
            entity_match: EntityMatch::default(),
            weights: ByOutput::default(),
            order: Vec::new(),
            rerank_only: String::new(),
            remove: String::new(),
            missing: MissingKeyPolicy::default(),
            author_decay: AuthorDecay::default(),
            keep_threads: false,
            exclude: ByOutput::default(),
            insert: InsertionPolicy::default(),
            marker: Vec::new(),
            enabled: true,
        }
    }
}

impl Policy {
    /// Creates a policy that leaves every feed as it is.
    pub fn incoming_order(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            config: PolicyConfig {
                entity_weight: 0.0,
                ..PolicyConfig::default()
            },
            terms: Vec::new(),
            expressions: None,
        }
    }

    /// Returns whether top entities matter.
    pub(crate) fn uses_entities(&self) -> bool {
        let expressions = self.expressions.as_ref();
        self.weighs_entities() || expressions.is_some_and(PolicyExpressions::uses_entities)
    }

    /// Returns whether top entities have a weight.
    pub(super) fn weighs_entities(&self) -> bool {
        self.config.entity_weight != 0.0
    }

    /// Returns the expressions, if the items are ordered by them.
    pub(super) fn order(&self) -> Option<&PolicyExpressions> {
        self.expressions
            .as_ref()
            .filter(|expressions| expressions.has_order())
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ScorerTerm {
    /// Creates a term that weighs scores as they are, and 0 where there is none.
    pub fn new(name: &str, weight: f64) -> Self {
        Self {
            name: name.to_owned(),
            weight,
            removal: RemovalRule::default(),
            scores: OutputUse::default(),
        }
    }

    /// Returns whether the scores are weighed or remove items, other than by expressions.
    pub(crate) fn matters(&self) -> bool {
        self.weight != 0.0 || self.removal.is_set()
    }
}
