use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use super::config::PoolConfig;
use super::counters::PoolCounters;
use super::failures::FailureReport;
use super::job::Job;
use super::request::ScoreRequest;
use super::shared::Shared;
use super::worker;
use crate::scoring::{CacheKey, Failure, ScoreError, Scorer};

/// Threads that score feeds, batch by batch. They end when it is dropped, after the work that is queued.
pub struct WorkerPool {
    pub(super) shared: Arc<Shared>,
    queue: Sender<Task>,
    tasks: Receiver<Task>,
}

pub(super) enum Task {
    Score(Job),
    /// Wakes a thread so that it looks whether it is to leave.
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
        pool
    }

    /// Queues the request in batches. Never blocks; what the queue has no room for, or the breaker does not let through, is
    /// refused at once.
    pub fn submit(&self, request: &ScoreRequest) {
        let now = Instant::now();
        let admitted = self.shared.admits(now);
        self.shared.note_breaker();
        if !admitted {
            let refused = Job::new(request, &request.places);
            let items = refused.places.len() as u64;
            self.shared
                .counters
                .breaker_open
                .fetch_add(items, Ordering::Relaxed);
            self.shared.failures.breaker_open.increment(items);
            return refused.answer(
                std::iter::repeat_n(Err(ScoreError::BreakerOpen), refused.places.len()),
                None,
            );
        }
        let places = self.coalesce(request);
        let is_suspect = |&(_, key): &(usize, Option<CacheKey>)| {
            key.is_some_and(|key| self.shared.overruns.verdict(key, now).is_some())
        };
        let (suspects, places): (Vec<_>, Vec<_>) = places.into_iter().partition(is_suspect);
        for places in places.chunks(self.shared.max_batch) {
            self.enqueue(Job::new(request, places));
        }
        for suspect in suspects {
            let mut job = Job::new(request, &[suspect]);
            job.alone = true;
            self.enqueue(job);
        }
    }

    /// The places that are not under way for another request. This one waits for the others.
    fn coalesce(&self, request: &ScoreRequest) -> Vec<(usize, Option<CacheKey>)> {
        if !self.shared.costly {
            return request.places.clone();
        }
        let places = self.shared.in_flight.enter(request);
        let coalesced = request.places.len() - places.len();
        self.shared
            .counters
            .coalesced
            .fetch_add(coalesced as u64, Ordering::Relaxed);
        places
    }

    fn enqueue(&self, job: Job) {
        // The pool holds a receiver itself, so its queue is full at worst, never disconnected.
        if let Err(TrySendError::Full(Task::Score(job))) = self.queue.try_send(Task::Score(job)) {
            self.shared
                .counters
                .queue_full
                .fetch_add(job.places.len() as u64, Ordering::Relaxed);
            self.shared.failures.note_queue_full(job.places.len());
            self.shared.refuse(&job, ScoreError::QueueFull, None);
        }
        self.shared
            .counters
            .queued
            .store(self.queue.len() as u64, Ordering::Relaxed);
    }

    /// Changes the number of threads. Work in hand is finished; those to leave do so after it.
    pub fn resize(&self, workers: usize) {
        self.shared.target.store(workers, Ordering::SeqCst);
        self.fill_up();
        for _ in workers..self.shared.live.load(Ordering::SeqCst) {
            // A full queue wakes them as well.
            let _ = self.queue.try_send(Task::Wake);
        }
    }

    /// Changes how long a batch may take.
    pub fn set_time_limit(&self, limit: Duration) {
        self.shared.set_time_limit(limit);
    }

    /// Gives up on batches that have taken longer than they may at `now`: they are answered, and their threads left behind
    /// and replaced. To be called every few milliseconds.
    pub fn abandon_overrun(&self, now: Instant) {
        for batch in self.shared.take_overrun(now) {
            if !batch.claim() {
                continue;
            }
            self.shared.live.fetch_sub(1, Ordering::SeqCst);
            let strays = self.shared.strays.fetch_add(1, Ordering::SeqCst) + 1;
            let counters = &self.shared.counters;
            counters.workers.fetch_sub(1, Ordering::Relaxed);
            counters.strays.fetch_add(1, Ordering::Relaxed);
            let items = batch.items();
            let limit_ms = self.shared.time_limit().as_millis();
            let detail = format!("a batch took longer than {limit_ms} ms and was abandoned");
            self.shared
                .failures
                .note(Failure::new("timeout", detail), items);
            counters.overran.fetch_add(items as u64, Ordering::Relaxed);
            self.shared.overruns.note(batch.keys(), items, now);
            for job in &batch.jobs {
                self.shared
                    .refuse(job, ScoreError::Timeout, Some(batch.started));
            }
            self.shared.breaker.note(false, now);
            if strays < self.shared.max_abandoned {
                self.fill_up();
            }
            self.shared.note_breaker();
        }
        if self.shared.strays.load(Ordering::SeqCst) < self.shared.max_abandoned {
            // A thread that could not be started is tried again.
            self.fill_up();
        }
    }

    /// Notes items whose scores did not come before the deadline of their request.
    pub fn note_late(&self, items: usize) {
        self.shared.failures.note_late(items);
    }

    /// Takes what failed since the call before.
    pub fn take_failures(&self) -> FailureReport {
        let left_alone = self.shared.counters.breaker.load(Ordering::Relaxed) != 0;
        self.shared.failures.take(left_alone)
    }

    fn fill_up(&self) {
        let target = self.shared.target.load(Ordering::SeqCst);
        while self.shared.live.load(Ordering::SeqCst) < target {
            self.shared.live.fetch_add(1, Ordering::SeqCst);
            if !worker::spawn(&self.shared, self.tasks.clone()) {
                return;
            }
        }
    }
}
