use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::batch::{Batch, BatchTime};
use super::breaker::{Breaker, BreakerState};
use super::cache::ScoreCache;
use super::config::PoolConfig;
use super::failures::Failures;
use super::in_flight::InFlight;
use super::request::{Chunk, Timing};
use super::slow_items::SlowItems;
use crate::scoring::{ItemScore, Outputs, ScoreError, Scorer, ScorerFailure};
use weir_supervision::counters;

counters! {
    /// Counters of a pool, in items unless named otherwise.
    #[derive(Debug, Default, Serialize)]
    pub struct PoolCounters {
        /// Score requests received.
        pub requests: Counter "weir_scorer_pool_requests_total",
        /// Items scored, by a worker or inline.
        pub scored: Counter "weir_scorer_pool_items_scored_total",
        /// Items answered from the cache, or by a formula.
        pub cached: Counter "weir_scorer_pool_items_cached_total",
        /// Items answered with the score of an equal item in flight.
        pub coalesced: Counter "weir_scorer_pool_items_coalesced_total",
        /// Items that the scorer failed on, panicked on or gave no usable score for.
        pub failed: Counter "weir_scorer_pool_items_failed_total",
        /// Items refused because the queue was full.
        pub queue_full: Counter "weir_scorer_pool_items_shed_total",
        /// Items refused because the breaker was open.
        pub breaker_open: Counter "weir_scorer_pool_items_refused_by_breaker_total",
        /// Items that left the queue too late to be scored before their deadline.
        pub expired: Counter "weir_scorer_pool_items_expired_total",
        /// Items that left the queue after the client had gone.
        pub abandoned: Counter "weir_scorer_pool_items_abandoned_total",
        /// Items in batches that exceeded the time limit.
        pub overdue: Counter "weir_scorer_pool_items_overdue_total",
        /// Panics of the scorer.
        pub panics: Counter "weir_scorer_pool_panics_total",
        /// Threads that take work.
        pub workers: Gauge "weir_scorer_pool_workers",
        /// Threads abandoned with batches that exceeded the time limit.
        pub abandoned_threads: Gauge "weir_scorer_pool_abandoned_threads",
        /// State of the breaker: 0 closed, 1 half open, 2 open.
        pub breaker: Gauge "weir_scorer_pool_breaker_state",
        /// Batches that wait for a thread.
        pub queued: Gauge "weir_scorer_pool_batches_queued",
    }
}

/// State that a pool shares with its threads.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) outputs: Outputs,
    pub(super) costly: bool,
    pub(super) takes_late_answers: bool,
    pub(super) cache: ScoreCache,
    pub(super) in_flight: InFlight,
    pub(super) slow_items: SlowItems,
    breaker: Breaker,
    pub(super) batch_time: BatchTime,
    pub(super) counters: Arc<PoolCounters>,
    pub(super) failures: Failures,
    pub(super) max_batch: usize,
    pub(super) max_delay: Duration,
    pub(super) max_abandoned: usize,
    /// Wanted number of threads; one ends as long as `live` is above it.
    pub(super) target: AtomicUsize,
    /// Threads that take work, without those abandoned with a batch that took too long.
    pub(super) live: AtomicUsize,
    pub(super) abandoned_threads: AtomicUsize,
    time_limit_us: AtomicU64,
    running: Mutex<Vec<Arc<Batch>>>,
    /// Chunks that did not fit into the batch they were taken for. They belong to the pool, because the thread that took them
    /// may be abandoned.
    left_over: Mutex<VecDeque<Chunk>>,
}

impl Shared {
    pub(super) fn new(
        name: &str,
        scorer: Box<dyn Scorer>,
        config: &PoolConfig,
        counters: Arc<PoolCounters>,
    ) -> Self {
        let (costly, outputs) = (scorer.is_costly(), scorer.outputs());
        let shared = Self {
            name: name.to_owned(),
            takes_late_answers: scorer.takes_late_answers(),
            scorer,
            costly,
            cache: ScoreCache::new(config, &outputs, costly),
            outputs,
            in_flight: InFlight::default(),
            slow_items: SlowItems::new(config.cache_ttl),
            breaker: Breaker::new(&config.breaker),
            batch_time: BatchTime::default(),
            counters,
            failures: Failures::new(name),
            max_batch: config.max_batch.max(1),
            max_delay: config.max_delay,
            max_abandoned: config.max_abandoned.max(1),
            target: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            abandoned_threads: AtomicUsize::new(0),
            time_limit_us: AtomicU64::new(0),
            running: Mutex::default(),
            left_over: Mutex::default(),
        };
        shared.set_time_limit(config.time_limit);
        shared
    }

    pub(super) fn set_time_limit(&self, limit: Duration) {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        self.time_limit_us.store(micros, Ordering::Relaxed);
    }

    pub(super) fn time_limit(&self) -> Duration {
        Duration::from_micros(self.time_limit_us.load(Ordering::Relaxed))
    }

    /// Returns whether work may be handed to a thread.
    pub(super) fn admit(&self, now: Instant) -> bool {
        let (admitted, state) = if self.is_crowded() {
            (false, BreakerState::Open)
        } else {
            self.breaker.admit(now)
        };
        self.publish(state);
        admitted
    }

    /// Records the outcome of a batch with the breaker.
    pub(super) fn record_outcome(&self, succeeded: bool, now: Instant) {
        let state = self.breaker.record(succeeded, now);
        self.publish(state);
    }

    /// Keeps a chunk for the thread that asks next.
    pub(super) fn leave_over(&self, chunk: Chunk) {
        self.left_over().push_back(chunk);
    }

    /// Returns the chunk that has been left over for longest.
    pub(super) fn take_left_over(&self) -> Option<Chunk> {
        self.left_over().pop_front()
    }

    pub(super) fn start_batch(&self, chunks: Vec<Chunk>) -> Arc<Batch> {
        let batch = Arc::new(Batch::start(chunks));
        self.running().push(Arc::clone(&batch));
        batch
    }

    /// Removes and returns the batches that exceed the time limit at `now`.
    pub(super) fn take_overdue(&self, now: Instant) -> Vec<Arc<Batch>> {
        let limit = self.time_limit();
        let late = |batch: &mut Arc<Batch>| now.saturating_duration_since(batch.started) > limit;
        self.running().extract_if(.., late).collect()
    }

    pub(super) fn end_batch(&self, batch: &Arc<Batch>) {
        self.running()
            .retain(|running| !Arc::ptr_eq(running, batch));
    }

    /// Answers every item of a batch, in their order. A result that is missing, or does not fit the outputs, is a
    /// [`ScoreError::BadResult`]. `failure` is what the scorer reports about the items without a row. The breaker is updated before
    /// the answers are sent, so that whoever receives one finds it up to date; a rate limit does not count as a failure.
    pub(super) fn complete(
        &self,
        batch: &Batch,
        mut results: Vec<ItemScore>,
        failure: Option<ScorerFailure>,
    ) {
        let items = batch.items();
        self.check_results(&mut results, items);
        let scored = results.iter().filter(|result| result.is_ok()).count();
        let held_off = results.contains(&Err(ScoreError::RateLimited));
        let counters = &self.counters;
        counters.scored.fetch_add(scored as u64, Ordering::Relaxed);
        counters
            .failed
            .fetch_add((items - scored) as u64, Ordering::Relaxed);
        if scored > 0 || !held_off {
            self.record_outcome(scored > 0, Instant::now());
        }
        match results.iter().find_map(|result| result.as_ref().err()) {
            None => self.failures.note_success(),
            Some(error) => {
                let failure = failure.unwrap_or_else(|| (*error).into());
                self.failures.note(failure, items - scored);
            }
        }
        for (chunk, own) in batch.split(&results) {
            self.deliver(chunk, own, Some(batch.started));
        }
    }

    /// Takes the results of a batch whose requests have been answered without them.
    pub(super) fn complete_late(
        &self,
        batch: &Batch,
        mut results: Vec<ItemScore>,
        failure: Option<ScorerFailure>,
    ) {
        self.check_results(&mut results, batch.items());
        if let Some(failure) = failure {
            self.failures.note(failure, 0);
        }
        for (chunk, own) in batch.split(&results) {
            self.settle(chunk, own, Some(batch.started));
        }
    }

    /// Makes sure that there is a result for each item, and that it fits the outputs.
    fn check_results(&self, results: &mut Vec<ItemScore>, items: usize) {
        results.resize(items, Err(ScoreError::BadResult));
        for result in results {
            if matches!(result, Ok(row) if !row.fits(&self.outputs)) {
                *result = Err(ScoreError::BadResult);
            }
        }
    }

    /// Answers every item of a chunk with the same error.
    pub(super) fn refuse(&self, chunk: &Chunk, error: ScoreError, started: Option<Instant>) {
        self.deliver(chunk, &vec![Err(error); chunk.items.len()], started);
    }

    fn deliver(&self, chunk: &Chunk, results: &[ItemScore], started: Option<Instant>) {
        self.settle(chunk, results, started);
        chunk.answer(results.iter().cloned(), started);
    }

    /// Caches the rows of a chunk and hands them to the other requests that wait for them.
    fn settle(&self, chunk: &Chunk, results: &[ItemScore], started: Option<Instant>) {
        let now = Instant::now();
        for (item, result) in chunk.items.iter().zip(results) {
            let Some(key) = item.key else { continue };
            match result {
                Ok(row) => {
                    self.cache.put(key, row, now);
                    self.slow_items.clear(key);
                }
                Err(
                    ScoreError::ProcessEnded { alone: true }
                    | ScoreError::ProtocolError { alone: true },
                ) => self.slow_items.record_end(key, now),
                Err(ScoreError::SlowItem) => self.slow_items.confirm(key, now),
                Err(_) => {}
            }
            if self.costly {
                let timing = Timing {
                    enqueued: chunk.enqueued,
                    started,
                    completed: now,
                };
                self.in_flight.leave(key, result, timing);
            }
        }
    }

    /// Shows the state of the breaker to operators.
    pub(super) fn publish_breaker_state(&self) {
        self.publish(self.breaker.state());
    }

    fn publish(&self, state: BreakerState) {
        let state = if self.is_crowded() {
            BreakerState::Open
        } else {
            state
        };
        self.counters.breaker.store(state as u64, Ordering::Relaxed);
    }

    /// Returns whether as many threads are abandoned as may be.
    pub(super) fn is_crowded(&self) -> bool {
        self.abandoned_threads.load(Ordering::SeqCst) >= self.max_abandoned
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<Batch>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left_over(&self) -> MutexGuard<'_, VecDeque<Chunk>> {
        self.left_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
