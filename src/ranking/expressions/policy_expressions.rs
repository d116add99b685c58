use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use weir_expressions::{
    Compiler, Direction, Evaluation, ExpressionError, MAX_KEYS, Program, Register, Registers,
    SortKey, Value,
};
use weir_feed::RankRequest;

use super::request_view::RequestView;
use super::vocabulary::Input;
use super::{ScorerOutput, Vocabulary};
use crate::ranking::{Column, EntityMatches, Labels, PolicyConfig, Score};

/// Treatment of an item of which a key of `order` is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKeyPolicy {
    /// It comes last by that key.
    #[default]
    Last,
    /// It keeps its incoming position.
    KeepPosition,
}

/// Expressions of a policy, compiled into one program. `S` tells how a scorer is found: by the index of its term in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyExpressions<S = usize> {
    program: Program<Input<S>>,
    values: PolicyValues,
}

/// Registers of the program for the keys of a policy.
#[derive(Debug, Clone, Default, PartialEq)]
struct PolicyValues {
    /// Keys of the order with their sources.
    keys: Vec<(String, SortKey)>,
    rerank_only: Option<Register<bool>>,
    remove: Option<Register<bool>>,
    missing: MissingKeyPolicy,
    /// Condition that an item meets to be replaced.
    replace: Option<Register<bool>>,
    /// Conditions of the markers.
    markers: Vec<Register<bool>>,
}

/// Error in one of a policy's expressions.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {error}")]
pub struct ExpressionIssue {
    /// Key of the policy's table.
    pub(crate) key: &'static str,
    /// Index of the expression, if the key has a list.
    pub(crate) element: Option<usize>,
    /// Key within that.
    pub(crate) below: Option<&'static str>,
    /// The cause.
    pub(crate) error: ExpressionError,
}

impl PolicyExpressions<ScorerOutput> {
    /// Compiles the expressions of a policy; `None` if it has none.
    pub(crate) fn compile(
        config: &PolicyConfig,
        vocabulary: &Vocabulary,
    ) -> Result<Option<Self>, Vec<ExpressionIssue>> {
        let mut compiler = Compiler::new(&vocabulary.schema, &vocabulary.columns);
        let mut issues = Vec::new();
        let mut values = PolicyValues {
            missing: config.missing,
            ..PolicyValues::default()
        };
        let mut issue = |key, element, below, error| {
            issues.push(ExpressionIssue {
                key,
                element,
                below,
                error,
            });
        };
        // These two come first: functions over the feed are computed over what they select.
        if !config.rerank_only.is_empty() {
            match compiler.rerank_only(&config.rerank_only) {
                Ok(condition) => values.rerank_only = Some(condition),
                Err(error) => issue("rerank_only", None, None, error),
            }
        }
        if !config.remove.is_empty() {
            match compiler.remove(&config.remove) {
                Ok(condition) => values.remove = Some(condition),
                Err(error) => issue("remove", None, None, error),
            }
        }
        for (index, source) in config.order.iter().take(MAX_KEYS).enumerate() {
            match compiler.key(source) {
                Ok(key) => values.keys.push((source.clone(), key)),
                Err(error) => issue("order", Some(index), None, error),
            }
        }
        if let Some(source) = &config.insert.replace {
            match compiler.condition(source) {
                Ok(condition) => values.replace = Some(condition),
                Err(error) => issue("insert", None, Some("replace"), error),
            }
        }
        for (index, marker) in config.marker.iter().enumerate() {
            match compiler.condition(&marker.before) {
                Ok(condition) => values.markers.push(condition),
                Err(error) => issue("marker", Some(index), Some("before"), error),
            }
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        let program = compiler.finish();
        Ok((!program.is_empty()).then_some(Self { program, values }))
    }

    /// Returns the outputs of scorers that the expressions read.
    pub(crate) fn scores(&self) -> impl Iterator<Item = &ScorerOutput> {
        self.program
            .inputs()
            .iter()
            .filter_map(|input| match input {
                Input::Scores(output) => Some(output),
                _ => None,
            })
    }

    /// Finds each output by the index of its column.
    pub(crate) fn with_columns(
        self,
        column_of: impl Fn(&ScorerOutput) -> usize,
    ) -> PolicyExpressions {
        let resolve = |input: Input<ScorerOutput>| input.map_scorer(|output| column_of(&output));
        PolicyExpressions {
            program: self.program.map_inputs(resolve),
            values: self.values,
        }
    }
}

impl<S> PolicyExpressions<S> {
    /// Returns whether there is an order by expressions.
    pub(crate) fn has_order(&self) -> bool {
        !self.values.keys.is_empty()
    }

    /// Returns whether the first key of the order is a number.
    pub(crate) fn orders_by_number(&self) -> bool {
        let first = self.values.keys.first();
        first.is_some_and(|(_, key)| matches!(key.value, Value::Number(_)))
    }
}

impl PolicyExpressions {
    /// Returns whether an output of labels is read.
    pub(crate) fn reads_labels(&self) -> bool {
        self.program
            .reads_texts_of(|input| matches!(input, Input::Scores(_)))
    }

    /// Returns whether top entities matter.
    pub(crate) fn uses_entities(&self) -> bool {
        self.program.inputs().contains(&Input::NamesEntity)
    }

    /// Computes the values of all expressions.
    pub(in crate::ranking) fn evaluate<'f>(
        &'f self,
        feed: &'f RankRequest,
        columns: &[Column],
        labels: &'f [Labels],
        entities: Option<&EntityMatches>,
    ) -> Evaluation<'f> {
        let view = RequestView {
            feed,
            columns,
            labels,
            entities,
        };
        self.program.evaluate(&view, Registers::default())
    }

    /// Returns whether an item is removed.
    pub(in crate::ranking) fn removes(&self, values: &Evaluation<'_>, item: usize) -> bool {
        self.values
            .remove
            .is_some_and(|remove| values.holds(remove, item))
    }

    /// Returns whether an item is to be replaced by a candidate.
    pub(in crate::ranking) fn replaces(&self, values: &Evaluation<'_>, item: usize) -> bool {
        self.values
            .replace
            .is_some_and(|replace| values.holds(replace, item))
    }

    /// Returns whether a marker, given by its index, goes before an item.
    pub(in crate::ranking) fn marks(
        &self,
        values: &Evaluation<'_>,
        marker: usize,
        item: usize,
    ) -> bool {
        let condition = self.values.markers.get(marker);
        condition.is_some_and(|condition| values.holds(*condition, item))
    }

    /// Returns whether some items keep their incoming positions.
    pub(in crate::ranking) fn fixes_positions(&self) -> bool {
        self.values.rerank_only.is_some() || self.values.missing == MissingKeyPolicy::KeepPosition
    }

    /// Returns whether an item keeps its incoming position.
    pub(in crate::ranking) fn is_fixed(&self, values: &Evaluation<'_>, item: usize) -> bool {
        let takes_part = self
            .values
            .rerank_only
            .is_none_or(|condition| values.holds(condition, item));
        let keeps = self.values.missing == MissingKeyPolicy::KeepPosition;
        !takes_part || (keeps && self.misses_key(values, item))
    }

    /// Returns whether a key has a value for any item.
    pub(in crate::ranking) fn has_value(&self, values: &Evaluation<'_>, items: usize) -> bool {
        let mut keys = self.values.keys.iter();
        keys.any(|(_, key)| (0..items).any(|item| !values.is_missing(key.value, item)))
    }

    /// Returns the first key of an item as a score: the higher, the earlier. Texts and booleans have none.
    pub(in crate::ranking) fn first_key(&self, values: &Evaluation<'_>, item: usize) -> Score {
        let number = self.values.keys.first().and_then(|(_, key)| {
            let Value::Number(register) = key.value else {
                return None;
            };
            let number = values.numbers(register)[item]?;
            Some(match key.direction {
                // Adding zero makes the two zeros equal.
                Direction::Ascending => 0.0 - number,
                Direction::Descending => number + 0.0,
            })
        });
        Score::new(number.unwrap_or(f64::NAN))
    }

    /// Compares two items by the keys that [`first_key`](Self::first_key) does not stand for; the earlier one is less.
    pub(in crate::ranking) fn break_tie(
        &self,
        values: &Evaluation<'_>,
        left: usize,
        right: usize,
    ) -> Ordering {
        let compared = usize::from(self.orders_by_number());
        let mut keys = self.values.keys.iter().skip(compared);
        let decisive = keys.find_map(|(_, key)| {
            let ordering = values.compare(key, left, right);
            ordering.is_ne().then_some(ordering)
        });
        decisive.unwrap_or(Ordering::Equal)
    }

    /// Returns the keys of an item by their sources.
    pub(crate) fn explain_keys(
        &self,
        values: &Evaluation<'_>,
        item: usize,
    ) -> BTreeMap<String, Json> {
        let keys = self.values.keys.iter();
        keys.map(|(source, key)| (source.clone(), to_json(values, key.value, item)))
            .collect()
    }

    /// Returns the named columns of an item that the policy uses.
    pub(crate) fn explain_columns(
        &self,
        values: &Evaluation<'_>,
        item: usize,
    ) -> BTreeMap<String, Json> {
        let columns = self.program.columns().iter();
        columns
            .map(|column| (column.name.clone(), to_json(values, column.value, item)))
            .collect()
    }

    fn misses_key(&self, values: &Evaluation<'_>, item: usize) -> bool {
        self.values
            .keys
            .iter()
            .any(|(_, key)| values.is_missing(key.value, item))
    }
}

fn to_json(values: &Evaluation<'_>, value: Value, item: usize) -> Json {
    match value {
        Value::Number(register) => json!(values.numbers(register)[item]),
        Value::Text(register) => json!(values.texts(register)[item]),
        Value::Boolean(register) => json!(values.booleans(register)[item]),
    }
}
