use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::scoring::pool::{BatchScores, PoolHandle, Timing};
use crate::scoring::{ItemScore, ScoreError};
use crate::serving::score_matrix::{ScoreMatrix, ScoreTiming, ScorerRows};
use weir_feed::RankRequest;

/// Collects the scores of one feed from several pools, side by side.
///
/// Dropping it calls off the work that is still queued.
pub(crate) struct ScoreCollector<'p> {
    pools: &'p [PoolHandle],
    pending: Vec<PendingRows>,
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

struct PendingRows {
    rows: Vec<Option<ItemScore>>,
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
            let mut rows = PendingRows::new(feed.items.len(), until, wait);
            rows.take(pool.ask(feed, until, tag, &reply), None);
            rows
        };
        Self {
            pending: pools.iter().enumerate().map(request).collect(),
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
                Ok(Some(batch)) => self.take(batch),
                Ok(None) => self.give_up(ScoreError::Unavailable, None),
                Err(_) => self.give_up(ScoreError::Timeout, Some(Instant::now())),
            }
        }
        let scorers = self.pending.into_iter().map(PendingRows::finish);
        ScoreMatrix {
            scorers: scorers.collect(),
        }
    }

    /// Returns when the next pool runs out of time, or `None` if nothing is waited for.
    fn next_limit(&self) -> Option<Instant> {
        let pending = self.pending.iter();
        if self.wait == Wait::TimedAllOrNothing && pending.clone().any(|rows| rows.failed) {
            return None;
        }
        let waiting = pending.filter(|rows| rows.outstanding > 0);
        waiting.map(|rows| rows.until).min()
    }

    fn take(&mut self, batch: BatchScores) {
        self.pending[batch.tag].take(batch.scores, Some(batch.timing));
    }

    /// Waits no longer for the pools whose time was up at `now`, or for any.
    fn give_up(&mut self, error: ScoreError, now: Option<Instant>) {
        for (rows, pool) in self.pending.iter_mut().zip(self.pools) {
            if now.is_none_or(|now| rows.until <= now) {
                if self.wait == Wait::PerScorer && error == ScoreError::Timeout {
                    pool.note_late(rows.outstanding, self.started, rows.until);
                }
                rows.give_up(error);
            }
        }
    }
}

impl PendingRows {
    fn new(items: usize, until: Instant, wait: Wait) -> Self {
        let timing = ScoreTiming {
            sent: Instant::now(),
            pool: None,
            received: None,
        };
        Self {
            rows: vec![None; items],
            timings: match wait {
                Wait::PerScorer => Vec::new(),
                Wait::Timed | Wait::TimedAllOrNothing => vec![timing; items],
            },
            outstanding: items,
            until,
            failed: false,
        }
    }

    fn take(&mut self, scores: Vec<(usize, ItemScore)>, pool: Option<Timing>) {
        if self.outstanding == 0 {
            return; // It was given up.
        }
        self.outstanding -= scores.len();
        let received = (!self.timings.is_empty()).then(Instant::now);
        for (item, score) in scores {
            self.failed |= score.is_err();
            self.rows[item] = Some(score);
            if let Some(timing) = self.timings.get_mut(item) {
                timing.pool = pool;
                timing.received = received;
            }
        }
    }

    fn give_up(&mut self, error: ScoreError) {
        if self.outstanding > 0 {
            let pending = self.rows.iter_mut().filter(|row| row.is_none());
            pending.for_each(|row| *row = Some(Err(error)));
            self.outstanding = 0;
        }
    }

    fn finish(self) -> ScorerRows {
        let rows = self.rows.into_iter();
        ScorerRows {
            rows: rows
                .map(|row| row.unwrap_or(Err(ScoreError::Timeout)))
                .collect(),
            timings: self.timings,
        }
    }
}
