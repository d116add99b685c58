use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use weir_supervision::ActorMetrics;

/// A source that fails for so many of its periods shows in the health.
const PERIODS_OF_PATIENCE: u32 = 3;

/// What a scraper does and how it fares: written by the scraper, read by whoever asks.
pub struct ScraperLog {
    name: String,
    every: Duration,
    max_outbox_bytes: u64,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    running: bool,
    passes: u64,
    failures: u32,
    failing_since: Option<Instant>,
    items: u64,
    last_success: Option<DateTime<Utc>>,
    last_error: Option<Failure>,
    next_run: Option<DateTime<Utc>>,
    held_off_until: Option<Instant>,
    outbox_bytes: u64,
    outbox_failure: Option<String>,
    /// When a pass began that came to the end of the source, and is not stored in full yet.
    caught_up_once_stored: Option<Instant>,
    caught_up: Instant,
}

/// A failure and its time.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// What went wrong.
    pub message: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How a scraper fares now, as `GET /scrapers` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ScraperReport {
    /// The scraper's name.
    pub name: String,
    /// Whether a pass is under way.
    pub running: bool,
    /// Passes begun since the start of Weir.
    pub passes: u64,
    /// Passes in a row that failed.
    pub failures: u32,
    /// Posts found since the start of Weir.
    pub items: u64,
    /// When the last pass without an error ended.
    pub last_success: Option<DateTime<Utc>>,
    /// The newest error.
    pub last_error: Option<Failure>,
    /// When the next pass begins.
    pub next_run: Option<DateTime<Utc>>,
    /// How long ago everything that the source had was in the database; since the start of Weir at the most.
    pub lag_ms: u64,
    /// What waits to be stored.
    pub outbox_bytes: u64,
    /// Whether the outbox is full, and fetching stopped.
    pub outbox_full: bool,
}

impl ScraperLog {
    /// The log of a scraper that is about to start.
    pub fn new(name: &str, every: Duration, max_outbox_bytes: u64) -> Self {
        let now = Instant::now();
        let state = State {
            started: now,
            running: false,
            passes: 0,
            failures: 0,
            failing_since: None,
            items: 0,
            last_success: None,
            last_error: None,
            next_run: None,
            held_off_until: None,
            outbox_bytes: 0,
            outbox_failure: None,
            caught_up_once_stored: None,
            caught_up: now,
        };
        Self {
            name: name.to_owned(),
            every,
            max_outbox_bytes,
            state: Mutex::new(state),
        }
    }

    /// The scraper's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn pass_began(&self) {
        self.with(|state| {
            state.running = true;
            state.passes += 1;
            state.next_run = None;
            state.started = Instant::now();
        });
    }

    /// `to_the_end`: the source had no more.
    pub(crate) fn pass_succeeded(&self, to_the_end: bool) {
        self.count_pass("succeeded");
        self.with(|state| {
            state.running = false;
            state.failures = 0;
            state.failing_since = None;
            state.held_off_until = None;
            state.last_success = Some(Utc::now());
            if to_the_end {
                state.caught_up_once_stored = Some(state.started);
                state.settle_caught_up();
            }
        });
    }

    /// Answers how many passes in a row have failed.
    pub(crate) fn pass_failed(&self, message: String, hold_off: Option<Duration>) -> u32 {
        self.count_pass("failed");
        self.with(|state| {
            let now = Instant::now();
            state.running = false;
            state.failures += 1;
            state.failing_since.get_or_insert(now);
            state.held_off_until = hold_off.map(|wait| now + wait);
            state.last_error = Some(Failure {
                message,
                at: Utc::now(),
            });
            state.failures
        })
    }

    pub(crate) fn pass_skipped(&self) {
        self.count_pass("outbox_full");
        self.with(|state| state.running = false);
    }

    pub(crate) fn next_run_in(&self, pause: Duration) {
        let next = chrono::TimeDelta::from_std(pause)
            .ok()
            .and_then(|pause| Utc::now().checked_add_signed(pause));
        self.with(|state| state.next_run = next);
    }

    pub(crate) fn found(&self, posts: usize) {
        metrics::counter!("weir_scraped_posts_total", "scraper" => self.name.clone())
            .increment(posts as u64);
        self.with(|state| state.items += posts as u64);
    }

    /// Takes note of what waits in the outbox, and of why it could not be written.
    pub fn outbox_holds(&self, bytes: u64, failure: Option<&str>) {
        self.with(|state| {
            state.outbox_bytes = bytes;
            state.outbox_failure = failure.map(str::to_owned);
            state.settle_caught_up();
        });
    }

    /// How long the source wants to be left alone yet.
    pub(crate) fn held_off(&self) -> Option<Duration> {
        self.with(|state| state.held_off_until)
            .and_then(|until| until.checked_duration_since(Instant::now()))
    }

    /// What is said of it where health is asked for.
    pub fn health_issue(&self) -> Option<String> {
        self.with(|state| {
            if let Some(failure) = &state.outbox_failure {
                return Some(format!("its outbox cannot be written: {failure}"));
            }
            if let Some(since) = state.failing_since {
                let failing = since.elapsed();
                if failing > self.every * PERIODS_OF_PATIENCE {
                    return Some(format!("failing for {} s", failing.as_secs()));
                }
            }
            (state.outbox_bytes >= self.max_outbox_bytes).then(|| "its outbox is full".to_owned())
        })
    }

    /// How it fares now.
    pub fn report(&self) -> ScraperReport {
        self.with(|state| ScraperReport {
            name: self.name.clone(),
            running: state.running,
            passes: state.passes,
            failures: state.failures,
            items: state.items,
            last_success: state.last_success,
            last_error: state.last_error.clone(),
            next_run: state.next_run,
            lag_ms: u64::try_from(state.caught_up.elapsed().as_millis()).unwrap_or(u64::MAX),
            outbox_bytes: state.outbox_bytes,
            outbox_full: state.outbox_bytes >= self.max_outbox_bytes,
        })
    }

    /// Brings the gauges up to now.
    pub fn measure(&self) {
        let report = self.report();
        let gauge = |name: &'static str| metrics::gauge!(name, "scraper" => self.name.clone());
        gauge("weir_scraper_lag_seconds").set(report.lag_ms as f64 / 1e3);
        gauge("weir_scraper_outbox_bytes").set(report.outbox_bytes as f64);
        gauge("weir_scraper_consecutive_failures").set(f64::from(report.failures));
    }

    fn count_pass(&self, outcome: &'static str) {
        metrics::counter!("weir_scraper_passes_total", "scraper" => self.name.clone(), "outcome" => outcome)
            .increment(1);
    }

    fn with<T>(&self, effect: impl FnOnce(&mut State) -> T) -> T {
        effect(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn settle_caught_up(&mut self) {
        if self.outbox_bytes == 0
            && let Some(since) = self.caught_up_once_stored.take()
        {
            self.caught_up = since;
        }
    }
}

/// Its metrics have the label `scraper` and are set by [`ScraperLog::measure`].
impl ActorMetrics for ScraperLog {}

/// As its report.
impl Serialize for ScraperLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report().serialize(serializer)
    }
}
