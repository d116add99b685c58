use super::{CacheKey, ScoreError, Scorer, Subject, Worker};

/// A score that is a cheap function of its subject alone. It is computed where it is needed, and never remembered.
pub trait Formula: Clone + Send + Sync + 'static {
    /// The score of one item.
    fn value(&self, subject: Subject<'_>) -> f64;
}

impl<F: Formula> Scorer for F {
    fn worker(&self) -> Box<dyn Worker> {
        Box::new(Calculator(self.clone()))
    }

    fn cache_key(&self, _: Subject<'_>) -> Option<CacheKey> {
        None
    }

    fn at_once(&self, subject: Subject<'_>) -> Option<f64> {
        Some(self.value(subject))
    }
}

struct Calculator<F>(F);

impl<F: Formula> Worker for Calculator<F> {
    fn score(&mut self, batch: &[Subject<'_>]) -> Vec<Result<f64, ScoreError>> {
        batch
            .iter()
            .map(|&subject| Ok(self.0.value(subject)))
            .collect()
    }
}
