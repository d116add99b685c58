use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

use super::cache::ScoreCache;
use super::counters::PoolCounters;
use super::job::{Job, ScoreRequest};
use super::worker;
use crate::feed::RankRequest;
use crate::scoring::{CacheKey, Scorer, Subject, Unscored};

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

/// A feed as far as a pool's cache knows it.
#[derive(Debug, Default)]
pub struct Recalled {
    /// Places and their scores.
    pub known: Vec<(usize, f64)>,
    /// The other places, with the keys to remember their scores by.
    pub unknown: Vec<(usize, Option<CacheKey>)>,
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

    /// What the cache knows of a feed's scores, and what is left to [`submit`](Self::submit). Needs no thread of the pool.
    pub fn recall(&self, feed: &RankRequest) -> Recalled {
        let looked_up = catch_unwind(AssertUnwindSafe(|| self.look_up(feed)));
        let recalled = looked_up.unwrap_or_else(|_| {
            // The scorer's code panicked over a key. Its workers may do better without one.
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
            Recalled {
                known: Vec::new(),
                unknown: (0..feed.items.len()).map(|place| (place, None)).collect(),
            }
        });
        self.shared
            .counters
            .requests
            .fetch_add(1, Ordering::Relaxed);
        self.shared
            .counters
            .cached
            .fetch_add(recalled.known.len() as u64, Ordering::Relaxed);
        recalled
    }

    fn look_up(&self, feed: &RankRequest) -> Recalled {
        let session = &feed.session;
        let mut recalled = Recalled::default();
        for (place, item) in feed.items.iter().enumerate() {
            let subject = Subject { item, session };
            if let Some(score) = self.shared.scorer.at_once(subject) {
                recalled.known.push((place, score));
                continue;
            }
            let key = self.shared.scorer.cache_key(subject);
            match key.and_then(|key| self.shared.cache.get(key)) {
                Some(score) => recalled.known.push((place, score)),
                None => recalled.unknown.push((place, key)),
            }
        }
        recalled
    }

    /// Queues the request in batches. Never blocks; what the queue has no room for is refused at once.
    pub fn submit(&self, request: &ScoreRequest) {
        request
            .places
            .chunks(self.max_batch)
            .for_each(|places| self.enqueue(request, places));
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
