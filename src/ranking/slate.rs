use std::sync::Arc;

use super::stages::threading::{self, Parents};
use super::{EntityMatches, Policy, PolicyExpressions, Score};
use weir_expressions::Evaluation;
use weir_feed::{ContentItem, RankRequest};

/// Raw scores of one scorer for the items of a feed, by index; `None` where there is none.
pub type Column = Vec<Option<f64>>;

/// Labels of one scorer for the items of a feed, by index; `None` where there is none.
pub type Labels = Vec<Option<Arc<str>>>;

/// A feed on its way through the stages that order it. Items are named by their index in the feed.
#[derive(Debug)]
pub struct Slate<'f> {
    /// Indices of the items to show, first to be shown first.
    pub order: Vec<usize>,
    /// Value of each item before anything but its own merit counted.
    pub values: Vec<Score>,
    pub(super) items: &'f [ContentItem],
    pub(super) columns: Vec<Column>,
    /// `None` while no top entities are known, or if the policy does not ask for them.
    pub(crate) entities: Option<EntityMatches>,
    /// For each item, whether it is removed; empty if none is.
    pub(super) removed: Vec<bool>,
    /// Values of the policy's expressions, if it has any.
    pub(crate) expressions: Option<Evaluation<'f>>,
    parents: Option<Parents>,
}

impl<'f> Slate<'f> {
    /// Creates a slate of `items`, with a column of scores for each term of the policy. Missing entities weigh nothing, so
    /// that with nothing known the order is the incoming one. Columns shorter than the feed count as missing at their end.
    pub fn new(
        items: &'f [ContentItem],
        columns: Vec<Column>,
        entities: Option<EntityMatches>,
    ) -> Self {
        Self {
            order: Vec::new(),
            values: Vec::new(),
            items,
            columns,
            entities,
            removed: Vec::new(),
            expressions: None,
            parents: None,
        }
    }

    /// Returns whether the policy had anything to say about the order.
    pub fn has_intervened(&self, policy: &Policy) -> bool {
        let columns = policy.terms.iter().zip(&self.columns);
        let mut live = columns.filter(|(term, _)| term.matters());
        let items = self.items.len();
        let expressions = policy.expressions.as_ref().zip(self.expressions.as_ref());
        policy.config.keep_threads
            || !self.removed.is_empty()
            || (policy.weighs_entities() && self.entities.is_some())
            || expressions.is_some_and(|(them, values)| them.has_value(values, items))
            || live.any(|(_, column)| (0..items).any(|item| known(column, item).is_some()))
    }

    pub(super) fn evaluate(
        &self,
        expressions: &'f PolicyExpressions,
        feed: &'f RankRequest,
        labels: &'f [Labels],
    ) -> Evaluation<'f> {
        expressions.evaluate(feed, &self.columns, labels, self.entities.as_ref())
    }

    /// Returns the score of an item by the scorer of a term, given by its index.
    pub(crate) fn score(&self, term: usize, item: usize) -> Option<f64> {
        known(self.columns.get(term)?, item)
    }

    /// Returns for each item what it answers; found out at the first call.
    pub(super) fn parents(&mut self) -> &Parents {
        let items = self.items;
        self.parents
            .get_or_insert_with(|| threading::parents(items))
    }
}

/// Returns the finite score of an item.
pub(super) fn known(column: &Column, item: usize) -> Option<f64> {
    let score = column.get(item).copied().flatten();
    score.filter(|score| score.is_finite())
}
