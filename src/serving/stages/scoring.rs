use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::scoring::ScoreError;
use crate::scoring::pool::{BatchScores, PoolHandle, Timing};
use crate::serving::score_matrix::{ItemScore, ScoreColumn, ScoreMatrix, ScoreTiming};
use weir_feed::RankRequest;

/// Collects the scores of one feed from several pools, side by side.
///
/// Dropping it calls off the work that is still queued.
pub(crate) struct ScoreCollector<'p> {
    pools: &'p [PoolHandle],
    columns: Vec<PendingColumn>,
    batches: UnboundedReceiver<BatchScores>,
    wait: Wait,
    started: Instant,
}

/// How scores are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Until the deadline, but for each scorer no longer than its own time limit.
    PerScorer,
    /// Until the deadline, and with the way of each score.
    Timed,
    /// The same, but the first missing score ends the wait.
    TimedAllOrNothing,
}

struct PendingColumn {
    scores: Vec<Option<ItemScore>>,
    timings: Vec<ScoreTiming>,
    outstanding: usize,
    until: Instant,
    failed: bool,
}

impl<'p> ScoreCollector<'p> {
    /// Takes the scores that need no thread and asks `pools` for the others, to arrive by `deadline`.
    pub(crate) fn start(
        feed: &Arc<RankRequest>,
        pools: &'p [PoolHandle],
        deadline: Instant,
        wait: Wait,
    ) -> Self {
        let (reply, batches) = unbounded_channel();
        let started = Instant::now();
        let request = |(tag, pool): (usize, &PoolHandle)| {
            let until = match wait {
                Wait::PerScorer => deadline.min(started + pool.time_limit()),
                Wait::Timed | Wait::TimedAllOrNothing => deadline,
            };
            let mut column = PendingColumn::new(feed.items.len(), until, wait);
            column.take(&pool.ask(feed, until, tag, &reply), None);
            column
        };
        Self {
            columns: pools.iter().enumerate().map(request).collect(),
            pools,
            batches,
            wait,
            started,
        }
    }

    /// Waits until every pool has answered in full or run out of time.
    pub(crate) async fn finish(mut self) -> ScoreMatrix {
        while let Some(until) = self.next_limit() {
            match tokio::time::timeout_at(until.into(), self.batches.recv()).await {
                Ok(Some(batch)) => self.take(&batch),
                Ok(None) => self.give_up(ScoreError::Unavailable, None),
                Err(_) => self.give_up(ScoreError::Timeout, Some(Instant::now())),
            }
        }
        let columns = self.columns.into_iter().map(PendingColumn::finish);
        ScoreMatrix {
            columns: columns.collect(),
        }
    }

    /// Returns when the next pool runs out of time, or `None` if nothing is waited for.
    fn next_limit(&self) -> Option<Instant> {
        let columns = self.columns.iter();
        if self.wait == Wait::TimedAllOrNothing && columns.clone().any(|column| column.failed) {
            return None;
        }
        let waiting = columns.filter(|column| column.outstanding > 0);
        waiting.map(|column| column.until).min()
    }

    fn take(&mut self, batch: &BatchScores) {
        self.columns[batch.tag].take(&batch.scores, Some(batch.timing));
    }

    /// Waits no longer for the pools whose time was up at `now`, or for any.
    fn give_up(&mut self, error: ScoreError, now: Option<Instant>) {
        for (column, pool) in self.columns.iter_mut().zip(self.pools) {
            if now.is_none_or(|now| column.until <= now) {
                if self.wait == Wait::PerScorer && error == ScoreError::Timeout {
                    pool.note_late(column.outstanding, self.started, column.until);
                }
                column.give_up(error);
            }
        }
    }
}

impl PendingColumn {
    fn new(items: usize, until: Instant, wait: Wait) -> Self {
        let timing = ScoreTiming {
            sent: Instant::now(),
            pool: None,
            received: None,
        };
        Self {
            scores: vec![None; items],
            timings: match wait {
                Wait::PerScorer => Vec::new(),
                Wait::Timed | Wait::TimedAllOrNothing => vec![timing; items],
            },
            outstanding: items,
            until,
            failed: false,
        }
    }

    fn take(&mut self, scores: &[(usize, ItemScore)], pool: Option<Timing>) {
        if self.outstanding == 0 {
            return; // It was given up.
        }
        self.outstanding -= scores.len();
        let received = (!self.timings.is_empty()).then(Instant::now);
        for &(item, score) in scores {
            self.scores[item] = Some(score);
            self.failed |= score.is_err();
            if let Some(timing) = self.timings.get_mut(item) {
                timing.pool = pool;
                timing.received = received;
            }
        }
    }

    fn give_up(&mut self, error: ScoreError) {
        if self.outstanding > 0 {
            let pending = self.scores.iter_mut().filter(|score| score.is_none());
            pending.for_each(|score| *score = Some(Err(error)));
            self.outstanding = 0;
        }
    }

    fn finish(self) -> ScoreColumn {
        let scores = self.scores.into_iter();
        ScoreColumn {
            scores: scores
                .map(|score| score.unwrap_or(Err(ScoreError::Timeout)))
                .collect(),
            timings: self.timings,
        }
    }
}
