use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::ranking::Column;
use crate::scoring::ScoreError;
use crate::scoring::pool::Scored;
use crate::serving::{ServedPolicy, ServedPool};
use weir_feed::{Degraded, RankRequest};

/// The scores of one feed as they come in, a column for each term of its policy.
///
/// Dropping it calls off whatever is still under way.
pub(crate) struct Gathering {
    columns: Vec<Gathered>,
    answers: UnboundedReceiver<Scored>,
    begun: Instant,
}

struct Gathered {
    scores: Column,
    outstanding: usize,
    until: Instant,
    unscored: BTreeMap<ScoreError, usize>,
}

impl Gathering {
    /// Takes what is remembered of the scores of `feed` and asks the pools of `policy` for the rest.
    pub(crate) fn begin(feed: &Arc<RankRequest>, policy: &ServedPolicy, deadline: Instant) -> Self {
        let (reply, answers) = unbounded_channel();
        let now = Instant::now();
        let ask = |(tag, pool): (usize, &ServedPool)| {
            let until = deadline.min(now + pool.time_limit);
            let known = pool.ask(feed, until, tag, &reply);
            Gathered::new(feed.items.len(), known, until)
        };
        Self {
            columns: policy.pools.iter().enumerate().map(ask).collect(),
            answers,
            begun: now,
        }
    }

    /// Waits until every pool has answered in full, or run out of its time.
    pub(crate) async fn complete(&mut self, policy: &ServedPolicy) {
        while let Some(until) = self.next_limit() {
            match tokio::time::timeout_at(until.into(), self.answers.recv()).await {
                Ok(Some(scored)) => self.columns[scored.tag].take(scored.scores),
                Ok(None) => return self.give_up_on_all(ScoreError::Unavailable),
                Err(_) => self.give_up_on_late(policy, Instant::now()),
            }
        }
    }

    /// When the next pool runs out of time, or `None` if none is waited for.
    fn next_limit(&self) -> Option<Instant> {
        self.columns
            .iter()
            .filter(|column| column.outstanding > 0)
            .map(|column| column.until)
            .min()
    }

    fn give_up_on_late(&mut self, policy: &ServedPolicy, now: Instant) {
        for (column, pool) in self.columns.iter_mut().zip(&policy.pools) {
            if column.until <= now {
                pool.note_late(column.outstanding, self.begun, column.until);
                column.give_up(ScoreError::Timeout);
            }
        }
    }

    fn give_up_on_all(&mut self, why: ScoreError) {
        self.columns
            .iter_mut()
            .for_each(|column| column.give_up(why));
    }

    /// The columns in the order of the policy's terms, and what is missing from them.
    pub(crate) fn into_columns(self, policy: &ServedPolicy) -> (Vec<Column>, Vec<Degraded>) {
        let names = policy.policy.terms.iter().map(|term| term.scorer.as_str());
        let degraded = self.columns.iter().zip(names).flat_map(|(column, scorer)| {
            column.unscored.iter().map(move |(why, &missed)| Degraded {
                part: scorer.to_owned().into(),
                missed,
                why: why.code().into(),
            })
        });
        let degraded = degraded.collect();
        (
            self.columns
                .into_iter()
                .map(|column| column.scores)
                .collect(),
            degraded,
        )
    }
}

impl Gathered {
    fn new(items: usize, known: Vec<(usize, Result<f64, ScoreError>)>, until: Instant) -> Self {
        let mut gathered = Self {
            scores: vec![None; items],
            outstanding: items,
            until,
            unscored: BTreeMap::new(),
        };
        gathered.take(known);
        gathered
    }

    fn take(&mut self, scores: Vec<(usize, Result<f64, ScoreError>)>) {
        if self.outstanding == 0 {
            return; // It was given up on.
        }
        for (place, result) in scores {
            self.outstanding -= 1;
            match result {
                Ok(score) => self.scores[place] = Some(score),
                Err(why) => *self.unscored.entry(why).or_default() += 1,
            }
        }
    }

    fn give_up(&mut self, why: ScoreError) {
        if self.outstanding > 0 {
            *self.unscored.entry(why).or_default() += self.outstanding;
            self.outstanding = 0;
        }
    }
}
