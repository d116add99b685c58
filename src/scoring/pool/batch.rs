use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::request::Chunk;
use crate::scoring::{CacheKey, ItemScore, ScoreError, Subject};

/// Weight of the newest batch in the estimate is 1 to this, as for the round trips of TCP (V. Jacobson, "Congestion Avoidance
/// and Control", 1988).
const SMOOTHING: u64 = 8;

/// Chunks that a worker scores together. It is answered once: by its worker, or by whoever abandons it.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) chunks: Vec<Chunk>,
    pub(super) started: Instant,
    answered: AtomicBool,
}

impl Batch {
    pub(super) fn start(chunks: Vec<Chunk>) -> Self {
        Self {
            chunks,
            started: Instant::now(),
            answered: AtomicBool::new(false),
        }
    }

    pub(super) fn subjects(&self) -> Vec<Subject<'_>> {
        self.chunks.iter().flat_map(Chunk::subjects).collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CacheKey> {
        self.chunks.iter().flat_map(Chunk::keys)
    }

    pub(super) fn items(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.items.len()).sum()
    }

    /// Pairs each chunk with its part of the results.
    pub(super) fn split<'r>(
        &'r self,
        results: &'r [ItemScore],
    ) -> impl Iterator<Item = (&'r Chunk, &'r [ItemScore])> {
        let mut rest = results;
        self.chunks.iter().map(move |chunk| {
            let (own, others) = rest.split_at(chunk.items.len());
            rest = others;
            (chunk, own)
        })
    }

    /// Answers the requests without a score while the batch goes on. Its keys stay in flight until its results are there.
    pub(super) fn answer_timeout(&self) {
        for chunk in &self.chunks {
            let errors = std::iter::repeat_n(Err(ScoreError::Timeout), chunk.items.len());
            chunk.answer(errors, Some(self.started));
        }
    }

    /// Returns true for the first caller, which then answers the batch.
    pub(super) fn claim_answer(&self) -> bool {
        !self.answered.swap(true, Ordering::AcqRel)
    }
}

/// Estimated duration of a batch in microseconds; 0 before the first one.
#[derive(Debug, Default)]
pub(super) struct BatchTime(AtomicU64);

impl BatchTime {
    /// Adds the duration of a batch to the estimate.
    pub(super) fn record(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.0.load(Ordering::Relaxed);
        let now = match before {
            0 => took,
            before => before - before / SMOOTHING + took / SMOOTHING,
        };
        // Concurrent updates may lose a sample; the estimate tolerates that.
        self.0.store(now, Ordering::Relaxed);
    }

    pub(super) fn expected(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_with_the_first_batch_and_follows_the_newest() {
        let (time, ms) = (BatchTime::default(), Duration::from_millis);
        assert_eq!(time.expected(), Duration::ZERO);
        time.record(ms(80));
        assert_eq!(time.expected(), ms(80));
        time.record(ms(8));
        assert_eq!(time.expected(), ms(71));
        (0..50).for_each(|_| time.record(ms(8)));
        assert!((ms(8)..ms(9)).contains(&time.expected()), "{time:?}");
    }
}
