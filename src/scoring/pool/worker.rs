use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::Receiver;

use super::batch::Batch;
use super::job::Job;
use super::shared::Shared;
use super::worker_pool::Task;
use crate::scoring::{Failure, ScoreError, Worker};

/// Starts a thread that works until the pool wants fewer, or is gone. `live` counts it already. Returns whether it could be
/// started.
pub(super) fn spawn(shared: &Arc<Shared>, tasks: Receiver<Task>) -> bool {
    let spawned = thread::Builder::new()
        .name(format!("scorer-{}", shared.name))
        .spawn({
            let shared = Arc::clone(shared);
            move || Thread::new(&shared, tasks).work()
        });
    if let Err(error) = &spawned {
        shared.live.fetch_sub(1, Ordering::SeqCst);
        let detail = format!("cannot start a thread: {}", error.kind());
        shared.failures.note(Failure::new("no_thread", detail), 0);
    }
    spawned.is_ok()
}

/// A pool's thread at work.
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

    fn work(mut self) {
        let workers = &self.shared.counters.workers;
        workers.fetch_add(1, Ordering::Relaxed);
        while let Some(task) = self.next_task() {
            let Task::Score(job) = task else { continue };
            let jobs = self.gather(job);
            if !jobs.is_empty() && !self.run(jobs) {
                return;
            }
            self.shared
                .counters
                .queued
                .store(self.tasks.len() as u64, Ordering::Relaxed);
        }
        workers.fetch_sub(1, Ordering::Relaxed);
    }

    /// The next thing to do, or `None` if this thread is to leave.
    fn next_task(&self) -> Option<Task> {
        if let Some(job) = self.shared.take_left_over() {
            return Some(Task::Score(job));
        }
        if self.leaves() {
            return None;
        }
        self.tasks.recv().ok()
    }

    /// The job, and others that come until the batch is full or has waited for long enough.
    fn gather(&self, job: Job) -> Vec<Job> {
        let until = Instant::now() + self.shared.max_delay;
        let mut items = job.places.len();
        let mut shares = !job.alone && !self.shared.max_delay.is_zero();
        let mut jobs: Vec<Job> = self.wanted(job).into_iter().collect();
        while shares && items < self.shared.max_batch {
            let Ok(Task::Score(job)) = self.tasks.recv_deadline(until) else {
                break;
            };
            items += job.places.len();
            shares = !job.alone && items <= self.shared.max_batch;
            if shares {
                jobs.extend(self.wanted(job));
            } else {
                self.shared.leave_over(job);
            }
        }
        jobs
    }

    /// The job, unless it is too late for it or nobody waits for it any more. While others wait, one that would end too
    /// late is too late already: all would be, in a queue as long as the time they have.
    fn wanted(&self, job: Job) -> Option<Job> {
        let shared = self.shared;
        let items = job.places.len() as u64;
        let others = shared
            .costly
            .then(|| shared.in_flight.wanted_until(&job))
            .flatten();
        if job.reply.is_closed() && others.is_none() {
            shared
                .counters
                .abandoned
                .fetch_add(items, Ordering::Relaxed);
            shared.refuse(&job, ScoreError::Timeout, None);
            return None;
        }
        let deadline = others.map_or(job.deadline, |until| until.max(job.deadline));
        let takes = if self.tasks.is_empty() {
            Duration::ZERO
        } else {
            shared.batch_time.expected()
        };
        if Instant::now() + takes >= deadline {
            shared.counters.expired.fetch_add(items, Ordering::Relaxed);
            shared.failures.expired.increment(items);
            shared.refuse(&job, ScoreError::Timeout, None);
            return None;
        }
        Some(job)
    }

    /// Scores the jobs and answers them. `false` if that took so long that somebody else did, and another thread stands in.
    fn run(&mut self, jobs: Vec<Job>) -> bool {
        let batch = self.shared.begin(jobs);
        let results = self.score(&batch);
        self.shared.end(&batch);
        if !batch.claim() {
            return self.returns();
        }
        self.shared.batch_time.note(batch.started.elapsed());
        let results = results.unwrap_or_else(|| vec![Err(ScoreError::Panic); batch.items()]);
        let failure = self
            .worker
            .as_mut()
            .and_then(|worker| worker.take_failure());
        self.shared.settle(&batch, results, failure);
        true
    }

    /// The results, or `None` if the scorer panicked.
    fn score(&mut self, batch: &Batch) -> Option<Vec<Result<f64, ScoreError>>> {
        if self.worker.is_none() {
            self.make_worker();
        }
        let worker = self.worker.as_mut()?;
        let results = catch_unwind(AssertUnwindSafe(|| worker.score(&batch.subjects())));
        if results.is_err() {
            // Its state may be half changed.
            self.worker = None;
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        }
        results.ok()
    }

    /// After it was left behind: whether the pool has use for this thread again.
    fn returns(&self) -> bool {
        let counters = &self.shared.counters;
        self.shared.strays.fetch_sub(1, Ordering::SeqCst);
        counters.strays.fetch_sub(1, Ordering::Relaxed);
        let target = self.shared.target.load(Ordering::SeqCst);
        let more = |live: usize| (live < target).then_some(live + 1);
        let needed = self
            .shared
            .live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .is_ok();
        self.shared.note_breaker();
        counters
            .workers
            .fetch_add(u64::from(needed), Ordering::Relaxed);
        needed
    }

    /// Takes this thread off the count if there are more than there should be.
    fn leaves(&self) -> bool {
        let target = self.shared.target.load(Ordering::SeqCst);
        let fewer = |live: usize| (live > target).then(|| live - 1);
        self.shared
            .live
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
            .is_ok()
    }

    /// If making a worker panics it is tried again with the next batch.
    fn make_worker(&mut self) {
        let made = catch_unwind(AssertUnwindSafe(|| self.shared.scorer.worker()));
        if made.is_err() {
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        }
        self.worker = made.ok();
    }
}
