use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::stages::diversity::AuthorDecay;
use super::stages::insertion::InsertionPolicy;
use super::stages::removal::RemovalRule;
use super::{ByOutput, EntityMatch, OutputUse, ScorerOutputs};
use crate::settings::Check;

/// `[policies.NAME]`: an item is ordered by `entity_weight` x (-1 if it names a top entity, else +1) + the sum of weight x score.
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
    /// How further posts of one author count less.
    pub author_decay: AuthorDecay,
    /// Whether comments stand behind what they answer, whatever their own value.
    pub keep_threads: bool,
    /// Which items are removed, replies and all, by the raw scores of scorers under `[scorers]`.
    pub exclude: ByOutput<RemovalRule>,
    /// How candidates are inserted.
    pub insert: InsertionPolicy,
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
    /// Checks what types cannot express; `scorers` are those that a weight may be for.
    pub(crate) fn check(&self, check: &mut Check, scorers: &ScorerOutputs<'_>) {
        check.finite("entity_weight", self.entity_weight);
        check.under("insert", |check| self.insert.check(check));
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
            author_decay: AuthorDecay::default(),
            keep_threads: false,
            exclude: ByOutput::default(),
            insert: InsertionPolicy::default(),
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
        }
    }

    /// Returns whether top entities matter.
    pub(crate) fn uses_entities(&self) -> bool {
        self.config.entity_weight != 0.0
    }
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

    /// Returns whether the scores can change an order.
    pub(crate) fn matters(&self) -> bool {
        self.weight != 0.0 || self.removal.is_set()
    }
}
