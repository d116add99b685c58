use std::collections::BTreeMap;
use std::time::Instant;

use crate::ranking::Column;
use crate::scoring::ScoreError;
use crate::scoring::pool::Timing;
use weir_feed::Degraded;

/// Score of one item by one scorer, or the reason why there is none.
pub(crate) type ItemScore = Result<f64, ScoreError>;

/// Scores of a feed, one column for each scorer.
#[derive(Debug, Default)]
pub(crate) struct ScoreMatrix {
    /// The columns, in the order in which the scorers were asked.
    pub(crate) columns: Vec<ScoreColumn>,
}

/// Scores of one scorer.
#[derive(Debug, Default)]
pub(crate) struct ScoreColumn {
    /// A score for each item of the feed, by index.
    pub(crate) scores: Vec<ItemScore>,
    /// The way of each score; empty unless it was asked for.
    pub(crate) timings: Vec<ScoreTiming>,
}

/// When a score was where.
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
    /// Returns the columns without the reasons of what is missing.
    pub(super) fn into_columns(self) -> Vec<Column> {
        let known = |column: ScoreColumn| {
            let scores = column.scores.into_iter();
            scores.map(Result::ok).collect()
        };
        self.columns.into_iter().map(known).collect()
    }

    /// Returns the first missing score: its column, its item and the reason.
    pub(crate) fn first_missing(&self) -> Option<(usize, usize, ScoreError)> {
        self.columns.iter().enumerate().find_map(|(index, column)| {
            let mut scores = column.scores.iter().enumerate();
            scores.find_map(|(item, score)| Some((index, item, score.err()?)))
        })
    }

    /// Returns the number of missing scores by scorer and reason; `scorers` are the names of the columns.
    pub(super) fn missing<'s>(&self, scorers: impl Iterator<Item = &'s str>) -> Vec<Degraded> {
        let columns = self.columns.iter().zip(scorers);
        let missing = columns.flat_map(|(column, scorer)| {
            let mut by_error = BTreeMap::<ScoreError, usize>::new();
            for error in column.scores.iter().filter_map(|score| score.err()) {
                *by_error.entry(error).or_default() += 1;
            }
            by_error.into_iter().map(move |(error, missed)| Degraded {
                part: scorer.to_owned().into(),
                missed,
                why: error.code().into(),
            })
        });
        missing.collect()
    }
}
