use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::Receiver;

use super::batch::Batch;
use super::request::Chunk;
use super::shared::Shared;
use super::worker_pool::Task;
use crate::scoring::{ItemScore, ScoreError, ScorerFailure, Worker};

/// Starts a thread that works until the pool wants fewer threads or is dropped. `live` counts it already. Returns false if the
/// thread could not be started.
pub(super) fn spawn(shared: &Arc<Shared>, tasks: Receiver<Task>) -> bool {
    let spawned = thread::Builder::new()
        .name(format!("scorer-{}", shared.name))
        .spawn({
            let shared = Arc::clone(shared);
            move || Thread::new(&shared, tasks).run()
        });
    if let Err(error) = &spawned {
        shared.live.fetch_sub(1, Ordering::SeqCst);
        let detail = format!("cannot start a thread: {}", error.kind());
        shared
            .failures
            .note(ScorerFailure::new("no_thread", detail), 0);
    }
    spawned.is_ok()
}

/// Thread of a pool.
struct Thread<'s> {
    shared: &'s Arc<Shared>,
    tasks: Receiver<Task>,
    /// `None` after a panic, until the next batch.
    worker: Option<Box<dyn Worker>>,
}

impl<'s> Thread<'s> {
    fn new(shared: &'s Arc<Shared>, tasks: Receiver<Task>) -> Self {
        let mut thread = Self {
            shared,
            tasks,
            worker: None,
        };
        thread.make_worker();
        thread
    }

    fn run(mut self) {
        let workers = &self.shared.counters.workers;
        workers.fetch_add(1, Ordering::Relaxed);
        while let Some(task) = self.next_task() {
            let Task::Score(chunk) = task else { continue };
            let chunks = self.gather(chunk);
            if !chunks.is_empty() && !self.process(chunks) {
                return;
            }
            self.shared
                .counters
                .queued
                .store(self.tasks.len() as u64, Ordering::Relaxed);
        }
        workers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the next task, or `None` if this thread is to end.
    fn next_task(&self) -> Option<Task> {
        if let Some(chunk) = self.shared.take_left_over() {
            return Some(Task::Score(chunk));
        }
        if self.is_surplus() {
            return None;
        }
        self.tasks.recv().ok()
    }

    /// Returns the chunk, with others that arrive until the batch is full or has waited for `max_delay`.
    fn gather(&self, chunk: Chunk) -> Vec<Chunk> {
        let until = Instant::now() + self.shared.max_delay;
        let mut items = chunk.items.len();
        let mut shares = !chunk.alone && !self.shared.max_delay.is_zero();
        let mut chunks: Vec<Chunk> = self.still_wanted(chunk).into_iter().collect();
        while shares && items < self.shared.max_batch {
            let Ok(Task::Score(chunk)) = self.tasks.recv_deadline(until) else {
                break;
            };
            items += chunk.items.len();
            shares = !chunk.alone && items <= self.shared.max_batch;
            if shares {
                chunks.extend(self.still_wanted(chunk));
            } else {
                self.shared.leave_over(chunk);
            }
        }
        chunks
    }

    /// Returns the chunk unless its deadline has passed or nobody waits for it. While other work waits, a chunk that would be
    /// scored after its deadline is dropped as well: otherwise a queue as long as the deadline would make every score late.
    fn still_wanted(&self, chunk: Chunk) -> Option<Chunk> {
        let shared = self.shared;
        let counters = &shared.counters;
        let items = chunk.items.len() as u64;
        let others = shared
            .costly
            .then(|| shared.in_flight.wanted_until(&chunk))
            .flatten();
        if chunk.request.reply.is_closed() && others.is_none() {
            counters.abandoned.fetch_add(items, Ordering::Relaxed);
            shared.refuse(&chunk, ScoreError::Timeout, None);
            return None;
        }
        let own = chunk.request.deadline;
        let deadline = others.map_or(own, |until| until.max(own));
        let takes = if self.tasks.is_empty() {
            Duration::ZERO
        } else {
            shared.batch_time.expected()
        };
        if Instant::now() + takes >= deadline {
            counters.expired.fetch_add(items, Ordering::Relaxed);
            shared.failures.expired.increment(items);
            shared.refuse(&chunk, ScoreError::Timeout, None);
            return None;
        }
        Some(chunk)
    }

    /// Scores the chunks and answers them. Returns false if the batch was abandoned meanwhile and another thread has taken the
    /// place of this one.
    fn process(&mut self, chunks: Vec<Chunk>) -> bool {
        let shared = self.shared;
        let batch = shared.start_batch(chunks);
        let results = self.score(&batch);
        shared.end_batch(&batch);
        let is_late = !batch.claim_answer();
        if is_late && !shared.takes_late_answers {
            return self.rejoin();
        }
        shared.batch_time.record(batch.started.elapsed());
        let results = results.unwrap_or_else(|| vec![Err(ScoreError::Panic); batch.items()]);
        let failure = self
            .worker
            .as_mut()
            .and_then(|worker| worker.take_failure());
        if is_late {
            shared.complete_late(&batch, results, failure);
        } else {
            shared.complete(&batch, results, failure);
        }
        true
    }

    /// Returns the results, or `None` if the scorer panicked.
    fn score(&mut self, batch: &Batch) -> Option<Vec<ItemScore>> {
        if self.worker.is_none() {
            self.make_worker();
        }
        let worker = self.worker.as_mut()?;
        let results = catch_unwind(AssertUnwindSafe(|| worker.score(&batch.subjects())));
        if results.is_err() {
            // The panic may have left its state inconsistent.
            self.worker = None;
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        }
        results.ok()
    }

    /// Returns true if the pool needs this thread again after it was abandoned.
    fn rejoin(&self) -> bool {
        let counters = &self.shared.counters;
        self.shared.abandoned_threads.fetch_sub(1, Ordering::SeqCst);
        counters.abandoned_threads.fetch_sub(1, Ordering::Relaxed);
        let target = self.shared.target.load(Ordering::SeqCst);
        let more = |live: usize| (live < target).then_some(live + 1);
        let needed = self
            .shared
            .live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .is_ok();
        self.shared.publish_breaker_state();
        counters
            .workers
            .fetch_add(u64::from(needed), Ordering::Relaxed);
        needed
    }

    /// Removes this thread from the count and returns true if there are more threads than wanted.
    fn is_surplus(&self) -> bool {
        let target = self.shared.target.load(Ordering::SeqCst);
        let fewer = |live: usize| (live > target).then(|| live - 1);
        self.shared
            .live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
            .is_ok()
    }

    /// Creates the worker. If that panics, it is tried again with the next batch.
    fn make_worker(&mut self) {
        let made = catch_unwind(AssertUnwindSafe(|| self.shared.scorer.worker()));
        if made.is_err() {
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        }
        self.worker = made.ok();
    }
}
