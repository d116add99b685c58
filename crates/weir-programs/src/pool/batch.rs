use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use crate::process::CallError;
use crate::protocol::{Cell, ScoreParams, ScoreResult, SentItem};

/// Items that one function scores in one call.
#[derive(Clone, Debug)]
pub struct ScoreBatch {
    /// Name of the scorer.
    pub function: Arc<str>,
    /// Outputs that are wanted.
    pub outputs: Arc<[String]>,
    /// Sessions that items refer to, as JSON.
    pub sessions: Vec<Box<RawValue>>,
    /// The items.
    pub items: Vec<ScoreItem>,
}

/// Item of a [`ScoreBatch`].
#[derive(Clone, Debug)]
pub struct ScoreItem {
    /// The fields that the function reads, as a JSON object.
    pub fields: Box<RawValue>,
    /// Index of its session.
    pub session: Option<usize>,
}

/// Reason why an item has no scores.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ItemError {
    /// The program says that it could not score this item.
    #[error("the program could not score an item")]
    Item,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The process ended each time that the item was sent.
    #[error("the process ended over an item: {source}")]
    EndsProcess {
        /// Number of ends while this item was all that the process had.
        alone: u32,
        /// The newest end.
        source: CallError,
    },
}

impl ScoreBatch {
    /// Writes the parameters of `score` for the items of `range`.
    pub(super) fn params(&self, range: std::ops::Range<usize>, deadline: Instant) -> String {
        let items = &self.items[range];
        let mut used: Vec<usize> = items.iter().filter_map(|item| item.session).collect();
        used.sort_unstable();
        used.dedup();
        let sessions: Vec<&RawValue> = used
            .iter()
            .filter_map(|&session| self.sessions.get(session).map(Box::as_ref))
            .collect();
        let sent = items.iter().map(|item| SentItem {
            item: &item.fields,
            s: item
                .session
                .and_then(|session| used.binary_search(&session).ok()),
        });
        let budget = deadline.saturating_duration_since(Instant::now());
        let params = ScoreParams {
            function: &self.function,
            budget_ms: u64::try_from(budget.as_millis()).unwrap_or(u64::MAX),
            outputs: &self.outputs,
            sessions: &sessions,
            items: &sent.collect::<Vec<_>>(),
        };
        serde_json::to_string(&params).unwrap_or_default()
    }

    /// Reads the rows of `items` items.
    pub(super) fn rows(
        &self,
        result: &RawValue,
        items: usize,
    ) -> Result<Vec<Result<Vec<Cell>, ItemError>>, CallError> {
        let result = ScoreResult::read(result, &self.outputs, items);
        let rows = result.ok_or(CallError::BadResult)?.rows;
        Ok(rows
            .into_iter()
            .map(|row| row.ok_or(ItemError::Item))
            .collect())
    }
}
