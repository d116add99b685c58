use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use super::cache::ScoreCache;
use super::counters::PoolCounters;
use super::job::{Job, ScoreRequest, answer};
use super::worker;
use crate::scoring::{CacheKey, Context, Scorer, Unscored};

/// The size and bounds of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Threads.
    pub workers: usize,
    /// Batches that may wait for a thread.
    pub queue: usize,
    /// Items in a batch.
    pub max_batch: usize,
    /// Scores to remember; 0 remembers none.
    pub cache_entries: usize,
}

/// Threads that score feeds, batch by batch. They end when it is dropped, after the work that is queued.
pub struct WorkerPool {
    shared: Arc<Shared>,
    queue: Sender<Task>,
    tasks: Receiver<Task>,
    max_batch: usize,
}

/// What a pool shares with its threads.
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) scorer: Box<dyn Scorer>,
    pub(super) cache: ScoreCache,
    pub(super) counters: Arc<PoolCounters>,
    /// How many threads there are to be; one leaves as long as `live` is above it.
    pub(super) target: AtomicUsize,
    pub(super) live: AtomicUsize,
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
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            scorer,
            cache: ScoreCache::new(config.cache_entries),
            counters,
            target: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
        });
        let pool = Self {
            shared,
            queue,
            tasks,
            max_batch: config.max_batch.max(1),
        };
        pool.resize(config.workers);
        pool
    }

    /// Answers what the cache knows at once and queues the rest in batches. Never blocks.
    pub fn submit(&self, request: &ScoreRequest) {
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for (place, key) in self.keys(request).enumerate() {
            match key.and_then(|key| self.shared.cache.get(key)) {
                Some(score) => known.push((place, Ok(score))),
                None => unknown.push((place, key)),
            }
        }
        self.shared
            .counters
            .cached
            .fetch_add(known.len() as u64, Ordering::Relaxed);
        answer(&request.reply, request.tag, known);
        unknown
            .chunks(self.max_batch)
            .for_each(|places| self.enqueue(request, places));
    }

    fn keys(&self, request: &ScoreRequest) -> impl Iterator<Item = Option<CacheKey>> {
        let context = Context {
            session: &request.feed.session,
        };
        request
            .feed
            .items
            .iter()
            .map(move |item| self.shared.scorer.cache_key(item, context))
    }

    fn enqueue(&self, request: &ScoreRequest, places: &[(usize, Option<CacheKey>)]) {
        let job = Job {
            feed: Arc::clone(&request.feed),
            deadline: request.deadline,
            tag: request.tag,
            reply: request.reply.clone(),
            places: places.to_vec(),
        };
        // The pool holds a receiver itself, so its queue is full at worst, never disconnected.
        if let Err(TrySendError::Full(Task::Score(job))) = self.queue.try_send(Task::Score(job)) {
            self.shared
                .counters
                .queue_full
                .fetch_add(places.len() as u64, Ordering::Relaxed);
            job.refuse(Unscored::QueueFull);
        }
        self.note_queue();
    }

    /// Changes the number of threads. Work in hand is finished; those to leave do so after it.
    pub fn resize(&self, workers: usize) {
        self.shared.target.store(workers, Ordering::SeqCst);
        while self.shared.live.load(Ordering::SeqCst) < workers {
            self.shared.live.fetch_add(1, Ordering::SeqCst);
            worker::spawn(&self.shared, self.tasks.clone());
        }
        for _ in workers..self.shared.live.load(Ordering::SeqCst) {
            // A full queue wakes them as well.
            let _ = self.queue.try_send(Task::Wake);
        }
    }

    fn note_queue(&self) {
        self.shared
            .counters
            .queued
            .store(self.queue.len() as u64, Ordering::Relaxed);
    }
}
