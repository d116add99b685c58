use super::{Outputs, ScoreError, ScoreRow, ScorerFailure};
use weir_feed::{ContentItem, RankRequest, Session, Survey};

/// An item to score and the session it was requested in.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'r> {
    /// The item.
    pub item: &'r ContentItem,
    /// The session of the request.
    pub session: &'r Session,
    /// The survey of the request, if it has one.
    pub survey: Option<&'r Survey>,
}

impl<'r> Subject<'r> {
    /// Creates the subject for an item of a request.
    pub fn new(request: &'r RankRequest, item: &'r ContentItem) -> Self {
        Self {
            item,
            session: &request.session,
            survey: request.survey.as_ref(),
        }
    }
}

/// Answer of a scorer about one item, or the reason why there is none.
pub type ItemScore = Result<ScoreRow, ScoreError>;

/// Hash of everything that a score depends on, the scorer's configuration and version included.
pub type CacheKey = u128;

/// Computes one kind of score. It is shared by the threads of a pool and creates a [`Worker`] for each of them.
pub trait Scorer: Send + Sync {
    /// Creates a worker that is warmed up: its first batch costs no more than its hundredth.
    fn worker(&self) -> Box<dyn Worker>;

    /// Returns the outputs of the rows that workers return; the same as those of the scorer's kind.
    fn outputs(&self) -> Outputs {
        Outputs::default()
    }

    /// Returns the version of the model, where the scorer knows it.
    fn version(&self) -> Option<String> {
        None
    }

    /// Returns the key to cache the row by, or `None` if it must be computed each time.
    fn cache_key(&self, subject: Subject<'_>) -> Option<CacheKey>;

    /// Returns the score if computing it costs less than a cache look-up. Such a score is never cached. It is the number of the
    /// only output.
    fn score_inline(&self, _: Subject<'_>) -> Option<f64> {
        None
    }

    /// Returns the score that a worker would compute, if that takes about a microsecond for an ordinary text. Feeds with little
    /// text are then scored on the thread of the caller, and their scores cached. `None` leaves the item to a worker, as does a
    /// score that is not finite. It is the number of the only output.
    fn score_inline_cached(&self, _: Subject<'_>) -> Option<f64> {
        None
    }

    /// Returns true if a score costs so much that a request waits for an equal one in flight rather than have it computed twice.
    fn is_costly(&self) -> bool {
        false
    }

    /// Returns true if a batch that exceeds the time limit goes on: its thread is not replaced, and its scores are cached once they
    /// are there. The scorer itself must bound the time of a batch.
    fn takes_late_answers(&self) -> bool {
        false
    }
}

/// Scorer of one thread, with any state it needs. After a panic it is dropped and replaced by a new one.
pub trait Worker {
    /// Scores `batch`, which may hold items of several requests. Returns one result for each item, in their order. A row that does
    /// not fit the scorer's outputs, or holds a number that is not finite, counts as [`ScoreError::BadResult`].
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore>;

    /// Returns why items of the newest batch have no score, if more is known than their results tell.
    fn take_failure(&mut self) -> Option<ScorerFailure> {
        None
    }
}

/// Score that is a cheap function of its subject alone. It is computed inline and never cached.
pub trait Formula: Clone + Send + Sync + 'static {
    /// Returns the score of one item.
    fn value(&self, subject: Subject<'_>) -> f64;
}

impl<F: Formula> Scorer for F {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(FormulaWorker(self.clone()))
    }

    fn cache_key(&self, _: Subject<'_>) -> Option<CacheKey> {
        None
    }

    fn score_inline(&self, subject: Subject<'_>) -> Option<f64> {
        Some(self.value(subject))
    }
}

struct FormulaWorker<F>(F);

impl<F: Formula> Worker for FormulaWorker<F> {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<ItemScore> {
        let scores = batch
            .iter()
            .map(|&subject| Ok(self.0.value(subject).into()));
        scores.collect()
    }
}
