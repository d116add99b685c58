use std::collections::BTreeMap;
use std::time::Instant;

use super::config::ColumnSource;
use crate::ranking::{Column, Labels};
use crate::scoring::pool::{PoolHandle, Timing};
use crate::scoring::{ItemScore, OutputValue, ScoreError};
use weir_feed::Degraded;

/// Scores of a feed by scorer.
#[derive(Debug, Default)]
pub(crate) struct ScoreMatrix {
    /// What each scorer answered, in the order in which they were asked.
    pub(crate) scorers: Vec<ScorerRows>,
}

/// Answers of one scorer.
#[derive(Debug, Default)]
pub(crate) struct ScorerRows {
    /// A row for each item of the feed, by index.
    pub(crate) rows: Vec<ItemScore>,
    /// The way of each row; empty unless it was asked for.
    pub(crate) timings: Vec<ScoreTiming>,
}

/// When a row was where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoreTiming {
    /// It was asked for.
    pub(crate) sent: Instant,
    /// Its way through the pool; `None` if it needed no thread, or did not arrive.
    pub(crate) pool: Option<Timing>,
    /// It arrived, if it did.
    pub(crate) received: Option<Instant>,
}

impl ScoreMatrix {
    /// Returns the numbers of one output of a scorer, without the reasons of what is missing.
    pub(super) fn column(&self, ColumnSource { pool, output }: ColumnSource) -> Column {
        let rows = self.scorers.get(pool).map(|scorer| &*scorer.rows);
        let number = |row: &ItemScore| row.as_ref().ok()?.number(output);
        rows.unwrap_or_default().iter().map(number).collect()
    }

    /// Returns the labels of one output of a scorer; numbers are none.
    pub(super) fn labels(&self, ColumnSource { pool, output }: ColumnSource) -> Labels {
        let rows = self.scorers.get(pool).map(|scorer| &*scorer.rows);
        let label = |row: &ItemScore| match row.as_ref().ok()?.value(output)? {
            OutputValue::Label(label) => Some(label),
            OutputValue::Number(_) => None,
        };
        rows.unwrap_or_default().iter().map(label).collect()
    }

    /// Returns the first missing row: its scorer, its item and the reason.
    pub(crate) fn first_missing(&self) -> Option<(usize, usize, ScoreError)> {
        self.scorers.iter().enumerate().find_map(|(index, scorer)| {
            let mut rows = scorer.rows.iter().enumerate();
            rows.find_map(|(item, row)| Some((index, item, *row.as_ref().err()?)))
        })
    }

    /// Returns the number of missing rows by scorer and reason; `pools` are those that were asked.
    pub(super) fn missing(&self, pools: &[PoolHandle]) -> Vec<Degraded> {
        let scorers = self.scorers.iter().zip(pools);
        let missing = scorers.flat_map(|(scorer, pool)| {
            let mut by_error = BTreeMap::<ScoreError, usize>::new();
            for error in scorer.rows.iter().filter_map(|row| row.as_ref().err()) {
                *by_error.entry(*error).or_default() += 1;
            }
            by_error.into_iter().map(move |(error, missed)| Degraded {
                part: pool.scorer().to_owned().into(),
                missed,
                why: error.code().into(),
            })
        });
        missing.collect()
    }
}
