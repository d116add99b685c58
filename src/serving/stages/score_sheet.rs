use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::unbounded_channel;

use crate::scoring::ScoreError;
use crate::scoring::pool::{Scored, Timing};
use crate::serving::ServedPool;
use weir_feed::{RankRequest, ScoringMode};

/// What some scorers make of a feed, item by item, each with its way through the pool.
pub struct ScoreSheet {
    /// For each scorer, in the order they were asked in, a mark for each item of the feed.
    pub columns: Vec<Vec<Mark>>,
    missing: usize,
}

/// What one scorer made of one item.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// The score, or why there is none.
    pub score: Result<f64, ScoreError>,
    /// It was asked for.
    pub sent: Instant,
    /// Its way through the pool; nothing if it needed no thread, or had not come.
    pub timing: Option<Timing>,
    /// It was here, if it came.
    pub received: Option<Instant>,
}

impl ScoreSheet {
    /// Has every pool score every item, and waits for the scores until the deadline. Where it is all or nothing, the first
    /// score that fails ends the wait and calls off the rest.
    pub async fn fill(
        feed: &Arc<RankRequest>,
        pools: &[ServedPool],
        deadline: Instant,
        mode: ScoringMode,
    ) -> Self {
        let (reply, mut answers) = unbounded_channel();
        let mut sheet = Self {
            columns: Vec::with_capacity(pools.len()),
            missing: feed.items.len() * pools.len(),
        };
        for (tag, pool) in pools.iter().enumerate() {
            let sent = Instant::now();
            let unknown = Mark::unknown(sent);
            sheet.columns.push(vec![unknown; feed.items.len()]);
            let known = pool.ask(feed, deadline, tag, &reply);
            sheet.enter(tag, &known, None);
        }
        drop(reply);
        while sheet.missing > 0 && !(mode == ScoringMode::AllOrNothing && sheet.has_failure()) {
            match tokio::time::timeout_at(deadline.into(), answers.recv()).await {
                Ok(Some(Scored {
                    tag,
                    scores,
                    timing,
                })) => {
                    sheet.enter(tag, &scores, Some(timing));
                }
                Ok(None) => {
                    sheet.settle_missing(ScoreError::Unavailable);
                    break;
                }
                Err(_) => break,
            }
        }
        sheet
    }

    /// The first scorer, by its place, that has no score for some item, with that item's place and the reason.
    pub fn first_gap(&self) -> Option<(usize, usize, ScoreError)> {
        self.columns.iter().enumerate().find_map(|(scorer, marks)| {
            let mut marks = marks.iter().enumerate();
            marks.find_map(|(item, mark)| Some((scorer, item, mark.score.err()?)))
        })
    }

    fn enter(
        &mut self,
        tag: usize,
        scores: &[(usize, Result<f64, ScoreError>)],
        timing: Option<Timing>,
    ) {
        let received = Some(Instant::now());
        for &(place, score) in scores {
            let mark = &mut self.columns[tag][place];
            let sent = mark.sent;
            *mark = Mark {
                score,
                sent,
                timing,
                received,
            };
        }
        self.missing -= scores.len();
    }

    fn has_failure(&self) -> bool {
        let mut marks = self.columns.iter().flatten();
        marks.any(|mark| mark.received.is_some() && mark.score.is_err())
    }

    fn settle_missing(&mut self, why: ScoreError) {
        let marks = self.columns.iter_mut().flatten();
        marks
            .filter(|mark| mark.received.is_none())
            .for_each(|mark| mark.score = Err(why));
    }
}

impl Mark {
    fn unknown(sent: Instant) -> Self {
        Self {
            score: Err(ScoreError::Timeout),
            sent,
            timing: None,
            received: None,
        }
    }
}
