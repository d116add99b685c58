use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use super::batch::Batch;
use super::config::PoolConfig;
use super::failures::FailureReport;
use super::request::{Chunk, PendingItem, ScoreRequest};
use super::shared::{PoolCounters, Shared};
use super::worker;
use crate::scoring::{Outputs, ScoreError, Scorer, ScorerFailure};

/// Threads that score feeds, batch by batch. When it is dropped they finish the queued work and end.
pub struct WorkerPool {
    pub(super) shared: Arc<Shared>,
    queue: Sender<Task>,
    tasks: Receiver<Task>,
}

pub(super) enum Task {
    Score(Chunk),
    /// Wakes a thread so that it ends if there are too many.
    Wake,
}

impl WorkerPool {
    /// Starts the threads. Each warms its worker up before it takes work. `counters` are kept up to date.
    pub fn start(
        name: &str,
        scorer: Box<dyn Scorer>,
        config: &PoolConfig,
        counters: Arc<PoolCounters>,
    ) -> Self {
        let (queue, tasks) = bounded(config.queue.max(1));
        let shared = Arc::new(Shared::new(name, scorer, config, counters));
        let pool = Self {
            shared,
            queue,
            tasks,
        };
        pool.resize(config.workers);
        // The counters may still show the breaker of the pool that this one replaces.
        pool.shared.publish_breaker_state();
        pool
    }

    /// Queues items of a feed in chunks. What the queue has no room for, or the breaker does not admit, is refused at once.
    pub(super) fn submit(&self, request: &ScoreRequest, items: Vec<PendingItem>) {
        let now = Instant::now();
        let shared = &self.shared;
        if !shared.admit(now) {
            let count = items.len();
            let refused = Chunk::new(request, items);
            let counters = &shared.counters;
            counters
                .breaker_open
                .fetch_add(count as u64, Ordering::Relaxed);
            shared.failures.breaker_open.increment(count as u64);
            let errors = std::iter::repeat_n(Err(ScoreError::BreakerOpen), count);
            return refused.answer(errors, None);
        }
        let mut items = self.coalesce(request, items);
        let is_suspected = |item: &mut PendingItem| {
            item.key
                .is_some_and(|key| shared.slow_items.state(key, now).is_some())
        };
        let suspected: Vec<_> = items.extract_if(.., is_suspected).collect();
        for items in items.chunks(shared.max_batch) {
            self.enqueue(Chunk::new(request, items.to_vec()));
        }
        for item in suspected {
            let mut chunk = Chunk::new(request, vec![item]);
            chunk.alone = true;
            self.enqueue(chunk);
        }
    }

    /// Returns the items whose scores are not in flight for another request. The request waits for the other scores.
    fn coalesce(&self, request: &ScoreRequest, items: Vec<PendingItem>) -> Vec<PendingItem> {
        if !self.shared.costly {
            return items;
        }
        let before = items.len();
        let items = self.shared.in_flight.enter(request, items);
        let coalesced = (before - items.len()) as u64;
        let counters = &self.shared.counters;
        counters.coalesced.fetch_add(coalesced, Ordering::Relaxed);
        items
    }

    fn enqueue(&self, chunk: Chunk) {
        let counters = &self.shared.counters;
        // The pool holds a receiver itself, so the queue can be full but never disconnected.
        if let Err(TrySendError::Full(Task::Score(chunk))) = self.queue.try_send(Task::Score(chunk))
        {
            let items = chunk.items.len();
            counters
                .queue_full
                .fetch_add(items as u64, Ordering::Relaxed);
            self.shared.failures.note_queue_full(items);
            self.shared.refuse(&chunk, ScoreError::QueueFull, None);
        }
        let queued = self.queue.len() as u64;
        counters.queued.store(queued, Ordering::Relaxed);
    }

    /// Changes the number of threads. A surplus thread finishes its batch first.
    pub fn resize(&self, workers: usize) {
        self.shared.target.store(workers, Ordering::SeqCst);
        self.start_missing_threads();
        for _ in workers..self.shared.live.load(Ordering::SeqCst) {
            // A full queue wakes them as well.
            let _ = self.queue.try_send(Task::Wake);
        }
    }

    pub(super) fn scorer(&self) -> &str {
        &self.shared.name
    }

    pub(super) fn outputs(&self) -> &Outputs {
        &self.shared.outputs
    }

    /// Returns the version of the scorer's model, where it is known.
    pub(super) fn version(&self) -> Option<String> {
        self.shared.scorer.version()
    }

    /// Returns the longest time that a batch may take.
    pub fn time_limit(&self) -> Duration {
        self.shared.time_limit()
    }

    /// Changes the longest time that a batch may take.
    pub fn set_time_limit(&self, limit: Duration) {
        self.shared.set_time_limit(limit);
    }

    /// Abandons batches that exceed the time limit at `now`: they are answered, and their threads replaced. To be called every
    /// few milliseconds.
    pub fn abandon_overdue(&self, now: Instant) {
        let shared = &self.shared;
        for batch in shared.take_overdue(now) {
            if !batch.claim_answer() {
                continue;
            }
            let items = batch.items();
            let limit_ms = shared.time_limit().as_millis();
            let fate = if shared.takes_late_answers {
                "goes on"
            } else {
                "was abandoned"
            };
            let detail = format!("a batch took longer than {limit_ms} ms and {fate}");
            let failure = ScorerFailure::new(ScoreError::Timeout.code(), detail);
            shared.failures.note(failure, items);
            let counters = &shared.counters;
            counters.overdue.fetch_add(items as u64, Ordering::Relaxed);
            if shared.takes_late_answers {
                batch.answer_timeout();
            } else {
                self.abandon(&batch, now);
            }
            shared.record_outcome(false, now);
        }
        if !shared.is_crowded() {
            // A thread that could not be started is tried again.
            self.start_missing_threads();
        }
    }

    /// Gives up on a batch and on the thread that scores it.
    fn abandon(&self, batch: &Batch, now: Instant) {
        let shared = &self.shared;
        shared.live.fetch_sub(1, Ordering::SeqCst);
        shared.abandoned_threads.fetch_add(1, Ordering::SeqCst);
        let counters = &shared.counters;
        counters.workers.fetch_sub(1, Ordering::Relaxed);
        counters.abandoned_threads.fetch_add(1, Ordering::Relaxed);
        shared.slow_items.record(batch.keys(), batch.items(), now);
        for chunk in &batch.chunks {
            shared.refuse(chunk, ScoreError::Timeout, Some(batch.started));
        }
    }

    /// Records items whose scores did not arrive before the deadline of their request.
    pub fn note_late(&self, items: usize) {
        self.shared.failures.note_late(items);
    }

    /// Returns the failures since the last call.
    pub fn take_failures(&self) -> FailureReport {
        let left_alone = self.shared.counters.breaker.load(Ordering::Relaxed) != 0;
        self.shared.failures.take(left_alone)
    }

    fn start_missing_threads(&self) {
        let shared = &self.shared;
        let target = shared.target.load(Ordering::SeqCst);
        let more = |live: usize| (live < target).then_some(live + 1);
        // Callers may be concurrent: a resize, and the check for overdue batches.
        while shared
            .live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .is_ok()
        {
            if !worker::spawn(&self.shared, self.tasks.clone()) {
                return;
            }
        }
    }
}
