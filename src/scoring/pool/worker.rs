use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use crossbeam::channel::Receiver;

use super::job::{Job, answer};
use super::worker_pool::{Shared, Task};
use crate::scoring::{Unscored, Worker};

/// Starts a thread that works until the pool wants fewer, or is gone. `live` counts it already.
pub(super) fn spawn(shared: &Arc<Shared>, tasks: Receiver<Task>) {
    let spawned = thread::Builder::new()
        .name(format!("scorer-{}", shared.name))
        .spawn({
            let shared = Arc::clone(shared);
            move || work(&shared, &tasks)
        });
    if let Err(error) = spawned {
        shared.live.fetch_sub(1, Ordering::SeqCst);
        tracing::error!(scorer = shared.name, %error, "cannot start a scorer thread");
    }
}

fn work(shared: &Shared, tasks: &Receiver<Task>) {
    shared.counters.workers.fetch_add(1, Ordering::Relaxed);
    let mut worker = make_worker(shared);
    while !leaves(shared) {
        match tasks.recv() {
            Ok(Task::Score(job)) => score(shared, &mut worker, job),
            Ok(Task::Wake) => {}
            Err(_) => break,
        }
        shared
            .counters
            .queued
            .store(tasks.len() as u64, Ordering::Relaxed);
    }
    shared.counters.workers.fetch_sub(1, Ordering::Relaxed);
}

/// Takes this thread off the count if there are more than there should be.
fn leaves(shared: &Shared) -> bool {
    let target = shared.target.load(Ordering::SeqCst);
    let fewer = |live: usize| (live > target).then(|| live - 1);
    shared
        .live
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
        .is_ok()
}

/// A worker, or `None` if making one panics; then it is tried again with the next job.
fn make_worker(shared: &Shared) -> Option<Box<dyn Worker>> {
    let made = catch_unwind(AssertUnwindSafe(|| shared.scorer.worker()));
    if made.is_err() {
        shared.counters.panics.fetch_add(1, Ordering::Relaxed);
    }
    made.ok()
}

fn score(shared: &Shared, worker: &mut Option<Box<dyn Worker>>, job: Job) {
    let items = job.places.len() as u64;
    if job.reply.is_closed() {
        shared
            .counters
            .abandoned
            .fetch_add(items, Ordering::Relaxed);
        return;
    }
    if Instant::now() >= job.deadline {
        shared.counters.expired.fetch_add(items, Ordering::Relaxed);
        return job.refuse(Unscored::TimedOut);
    }
    if worker.is_none() {
        *worker = make_worker(shared);
    }
    let results = worker
        .as_mut()
        .map(|worker| catch_unwind(AssertUnwindSafe(|| worker.score(&job.subjects()))));
    match results {
        Some(Ok(results)) => deliver(shared, job, results),
        Some(Err(_)) => {
            // Its state may be half changed.
            *worker = None;
            shared.counters.panics.fetch_add(1, Ordering::Relaxed);
            shared.counters.failed.fetch_add(items, Ordering::Relaxed);
            job.refuse(Unscored::Panicked);
        }
        None => {
            shared.counters.failed.fetch_add(items, Ordering::Relaxed);
            job.refuse(Unscored::Panicked);
        }
    }
}

fn deliver(shared: &Shared, job: Job, results: Vec<Result<f64, Unscored>>) {
    let Job {
        tag, reply, places, ..
    } = job;
    let mut results = results.into_iter();
    let mut failed = 0;
    let scores = places.into_iter().map(|(place, key)| {
        let result = results.next().unwrap_or(Err(Unscored::BadResult));
        let result = result.and_then(|score| {
            if score.is_finite() {
                Ok(score)
            } else {
                Err(Unscored::BadResult)
            }
        });
        match (result, key) {
            (Ok(score), Some(key)) => shared.cache.put(key, score),
            (Err(_), _) => failed += 1,
            _ => {}
        }
        (place, result)
    });
    let scores: Vec<_> = scores.collect();
    shared.counters.failed.fetch_add(failed, Ordering::Relaxed);
    shared
        .counters
        .scored
        .fetch_add(scores.len() as u64 - failed, Ordering::Relaxed);
    answer(&reply, tag, scores);
}
