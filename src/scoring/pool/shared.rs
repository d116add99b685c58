use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::batch_time::BatchTime;
use super::breaker::{Breaker, BreakerState};
use super::cache::ScoreCache;
use super::config::PoolConfig;
use super::counters::PoolCounters;
use super::failures::Failures;
use super::in_flight::InFlight;
use super::job::Job;
use super::overruns::Overruns;
use super::request::Timing;
use crate::scoring::{Failure, ScoreError, Scorer};

/// What a pool shares with its threads.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) costly: bool,
    pub(super) cache: ScoreCache,
    pub(super) in_flight: InFlight,
    pub(super) overruns: Overruns,
    pub(super) breaker: Breaker,
    pub(super) batch_time: BatchTime,
    pub(super) counters: Arc<PoolCounters>,
    pub(super) failures: Failures,
    pub(super) max_batch: usize,
    pub(super) max_delay: Duration,
    pub(super) max_abandoned: usize,
    /// How many threads there are to be; one leaves as long as `live` is above it.
    pub(super) target: AtomicUsize,
    /// Threads that take work. Those left behind with a batch that took too long do not count.
    pub(super) live: AtomicUsize,
    pub(super) strays: AtomicUsize,
    time_limit_us: AtomicU64,
    running: Mutex<Vec<Arc<Batch>>>,
    /// Jobs that did not fit into the batch they were taken for. They are of the pool, not of the thread that took them:
    /// that one may be left behind.
    left_over: Mutex<VecDeque<Job>>,
}

impl Shared {
    pub(super) fn new(
        name: &str,
        scorer: Box<dyn Scorer>,
        config: &PoolConfig,
        counters: Arc<PoolCounters>,
    ) -> Self {
        let costly = scorer.is_costly();
        let shared = Self {
            name: name.to_owned(),
            scorer,
            costly,
            cache: ScoreCache::new(config.cache_entries, config.cache_ttl, costly),
            in_flight: InFlight::default(),
            overruns: Overruns::new(config.cache_ttl),
            breaker: Breaker::new(config.breaker.clone()),
            batch_time: BatchTime::default(),
            counters,
            failures: Failures::new(name),
            max_batch: config.max_batch.max(1),
            max_delay: config.max_delay,
            max_abandoned: config.max_abandoned.max(1),
            target: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            strays: AtomicUsize::new(0),
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

    /// Whether work may be handed to a thread.
    pub(super) fn admits(&self, now: Instant) -> bool {
        self.strays.load(Ordering::SeqCst) < self.max_abandoned && self.breaker.admits(now)
    }

    /// Keeps a job for the thread that asks next.
    pub(super) fn leave_over(&self, job: Job) {
        self.left_over().push_back(job);
    }

    /// The job that has been left over for longest.
    pub(super) fn take_left_over(&self) -> Option<Job> {
        self.left_over().pop_front()
    }

    pub(super) fn begin(&self, jobs: Vec<Job>) -> Arc<Batch> {
        let batch = Arc::new(Batch::start(jobs));
        self.running().push(Arc::clone(&batch));
        batch
    }

    /// Takes off those batches that have taken longer than they may at `now`.
    pub(super) fn take_overrun(&self, now: Instant) -> Vec<Arc<Batch>> {
        let limit = self.time_limit();
        let late = |batch: &mut Arc<Batch>| now.saturating_duration_since(batch.started) > limit;
        self.running().extract_if(.., late).collect()
    }

    pub(super) fn end(&self, batch: &Arc<Batch>) {
        self.running()
            .retain(|running| !Arc::ptr_eq(running, batch));
    }

    /// Answers every item of a batch, in their order; a result that is missing or not finite is a bad one. `failure` is the
    /// scorer's own account of the items without a score. The breaker
    /// hears of it first, so that who has heard the answer finds it up to date; a rate limit is no failure to it.
    pub(super) fn settle(
        &self,
        batch: &Batch,
        results: Vec<Result<f64, ScoreError>>,
        failure: Option<Failure>,
    ) {
        let items = batch.items();
        let mut results: Vec<_> = results.into_iter().take(items).map(finite).collect();
        results.resize(items, Err(ScoreError::BadResult));
        let scored = results.iter().filter(|result| result.is_ok()).count();
        let held_off = results.contains(&Err(ScoreError::RateLimited));
        let counters = &self.counters;
        counters.scored.fetch_add(scored as u64, Ordering::Relaxed);
        counters
            .failed
            .fetch_add((items - scored) as u64, Ordering::Relaxed);
        if scored > 0 || !held_off {
            self.breaker.note(scored > 0, Instant::now());
            self.note_breaker();
        }
        match results.iter().find_map(|result| result.err()) {
            None => self.failures.note_success(),
            Some(why) => {
                let failure = failure.unwrap_or_else(|| why.into());
                self.failures.note(failure, items - scored);
            }
        }
        let mut rest = results.as_slice();
        for job in &batch.jobs {
            let (of_job, others) = rest.split_at(job.places.len());
            self.deliver(job, of_job, Some(batch.started));
            rest = others;
        }
    }

    /// Answers every item of a job with the same reason.
    pub(super) fn refuse(&self, job: &Job, why: ScoreError, started: Option<Instant>) {
        self.deliver(job, &vec![Err(why); job.places.len()], started);
    }

    fn deliver(&self, job: &Job, results: &[Result<f64, ScoreError>], started: Option<Instant>) {
        let now = Instant::now();
        for (&(_, key), &result) in job.places.iter().zip(results) {
            let Some(key) = key else { continue };
            if let Ok(score) = result {
                self.cache.put(key, score, now);
                self.overruns.clear(key);
            }
            if self.costly {
                let timing = Timing {
                    enqueued: job.enqueued,
                    started,
                    completed: now,
                };
                self.in_flight.leave(key, result, timing);
            }
        }
        job.answer(results.iter().copied(), started);
    }

    pub(super) fn note_breaker(&self) {
        let crowded = self.strays.load(Ordering::SeqCst) >= self.max_abandoned;
        let state = if crowded {
            BreakerState::Open
        } else {
            self.breaker.state()
        };
        self.counters.breaker.store(state as u64, Ordering::Relaxed);
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<Batch>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn left_over(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.left_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn finite(result: Result<f64, ScoreError>) -> Result<f64, ScoreError> {
    result.and_then(|score| {
        if score.is_finite() {
            Ok(score)
        } else {
            Err(ScoreError::BadResult)
        }
    })
}
