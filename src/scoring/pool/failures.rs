use std::collections::BTreeMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use metrics::Counter;

use crate::scoring::{ScoreError, ScorerFailure};

/// Failures of one scorer since they were last taken. Scoring threads note them batch by batch; nothing is logged here.
pub(super) struct Failures {
    scorer: String,
    pending: Mutex<BTreeMap<String, FailureCount>>,
    /// True if there are pending failures, so that a healthy pool is looked at without a lock.
    any: AtomicBool,
    /// True if the newest batch failed, in whole or in part.
    failing: AtomicBool,
    queue_full: Refused,
    late: Refused,
    pub(super) breaker_open: Counter,
    pub(super) expired: Counter,
    pub(super) slow_items: Counter,
}

/// Items that were refused on threads which must not wait for a lock.
struct Refused {
    counter: Counter,
    items: AtomicU64,
}

impl Refused {
    fn add(&self, items: u64) {
        self.counter.increment(items);
        self.items.fetch_add(items, Ordering::Relaxed);
    }

    fn take(&self, failure: impl FnOnce() -> ScorerFailure) -> Option<FailureCount> {
        if self.items.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(FailureCount {
            failure: failure(),
            items: self.items.swap(0, Ordering::Relaxed),
        })
    }
}

/// A reason and the number of items that it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCount {
    /// The reason, with the newest detail.
    pub failure: ScorerFailure,
    /// The number of items without a score.
    pub items: u64,
}

/// The state of a scorer, with its failures since the report before.
#[derive(Debug, Default)]
pub struct FailureReport {
    /// New failures by reason.
    pub new: Vec<FailureCount>,
    /// True if the newest batch failed, in whole or in part.
    pub failing: bool,
    /// True if the scorer is left alone, by its breaker or for the number of its abandoned batches.
    pub left_alone: bool,
}

impl Failures {
    pub(super) fn new(scorer: &str) -> Self {
        let counter = |error: ScoreError| counter(scorer, error.code());
        let refused = |counter| Refused {
            counter,
            items: AtomicU64::new(0),
        };
        Self {
            scorer: scorer.to_owned(),
            pending: Mutex::default(),
            any: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            queue_full: refused(counter(ScoreError::QueueFull)),
            late: refused(self::counter(scorer, LATE)),
            breaker_open: counter(ScoreError::BreakerOpen),
            expired: self::counter(scorer, "expired"),
            slow_items: counter(ScoreError::SlowItem),
        }
    }

    /// Notes a batch of which `items` have no score.
    pub(super) fn note(&self, failure: ScorerFailure, items: usize) {
        let items = items as u64;
        counter(&self.scorer, &failure.reason).increment(items);
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let earlier = pending.remove(failure.reason.as_ref());
            let items = items + earlier.map_or(0, |earlier| earlier.items);
            let reason = failure.reason.clone().into_owned();
            pending.insert(reason, FailureCount { failure, items });
        }
        self.failing.store(true, Ordering::Relaxed);
        self.any.store(true, Ordering::Release);
    }

    /// Notes a batch of which every item was scored.
    pub(super) fn note_success(&self) {
        // A healthy scorer only reads, so that its threads share the line.
        if self.failing.load(Ordering::Relaxed) {
            self.failing.store(false, Ordering::Relaxed);
        }
    }

    /// Notes items that the queue had no room for.
    pub(super) fn note_queue_full(&self, items: usize) {
        self.queue_full.add(items as u64);
    }

    /// Notes items whose scores did not come before the deadline of their request.
    pub(super) fn note_late(&self, items: usize) {
        self.late.add(items as u64);
    }

    pub(super) fn take(&self, left_alone: bool) -> FailureReport {
        let mut new = Vec::new();
        if self.any.swap(false, Ordering::Acquire) {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            new.extend(mem::take(&mut *pending).into_values());
        }
        new.extend(self.queue_full.take(|| ScoreError::QueueFull.into()));
        new.extend(self.late.take(|| {
            ScorerFailure::new(LATE, "scores did not come before the deadline of a request")
        }));
        FailureReport {
            new,
            failing: self.failing.load(Ordering::Relaxed),
            left_alone,
        }
    }
}

const LATE: &str = "late";

/// Returns the counter of items that `scorer` did not score for this reason.
pub(crate) fn counter(scorer: &str, reason: &str) -> Counter {
    metrics::counter!(
        "weir_scorer_failures_total",
        "scorer" => scorer.to_owned(),
        "reason" => reason.to_owned()
    )
}
