use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::exit::Exit;

/// What an actor shows of its own work. Any `Serialize` struct of atomics will do; it is read while the actor runs.
pub trait Observable: Send + Sync {
    /// The counters as they are now.
    fn observe(&self) -> serde_json::Value;
}

impl<T: Serialize + Send + Sync> Observable for T {
    fn observe(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum State {
    /// Its first poll has not happened yet.
    Starting = 0,
    /// It takes messages.
    Running = 1,
    /// It ended and waits for its next start; messages queue.
    BackingOff = 2,
    /// It used up its restarts; the system builds it anew after the window.
    GaveUp = 3,
    /// It was stopped for good.
    Stopped = 4,
}

/// A readable copy of an actor's vitals, as `GET /actors` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct VitalSigns {
    /// The actor's name, unique in its system.
    pub name: String,
    /// Where it is in its life.
    pub state: State,
    /// Counts its incarnations, from 1; each has a mailbox of its own.
    pub generation: u64,
    /// How often it was restarted with its mailbox kept.
    pub restarts: u64,
    /// How many exits there were of each kind: panicked, stopped, frozen, gave up.
    pub exits: ExitCounts,
    /// The newest exit and when it happened.
    pub last_exit: Option<LastExit>,
    /// How long its current poll has taken, in milliseconds, if it is in one.
    pub polling_ms: Option<u64>,
    /// The actor's own counters.
    pub counters: serde_json::Value,
}

/// How often an actor ended, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ExitCounts {
    /// Exits by a panic.
    pub panicked: u64,
    /// Exits of the actor's own accord.
    pub stopped: u64,
    /// Replacements because one poll took too long.
    pub frozen: u64,
    /// Times that the restarts were used up.
    pub gave_up: u64,
}

/// An exit and its time.
#[derive(Debug, Clone, Serialize)]
pub struct LastExit {
    /// Why it ended.
    #[serde(flatten)]
    pub exit: Exit,
    /// When it ended.
    pub at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct ExitLog {
    counts: ExitCounts,
    last: Option<LastExit>,
}

/// What the driver, the system and the HTTP front share about one actor.
pub(super) struct Vitals {
    name: String,
    counters: Arc<dyn Observable>,
    state: AtomicU8,
    generation: AtomicU64,
    restarts: AtomicU64,
    polling_since: AtomicU64,
    gave_up_at: Mutex<Option<Instant>>,
    exits: Mutex<ExitLog>,
}

/// `polling_since` of an actor that is not in a poll.
const IDLE: u64 = 0;

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first call, never [`IDLE`].
fn uptime_ms() -> u64 {
    u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

impl Vitals {
    pub(super) fn new(name: &str, counters: Arc<dyn Observable>) -> Self {
        Self {
            name: name.to_owned(),
            counters,
            state: AtomicU8::new(State::Starting as u8),
            generation: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            polling_since: AtomicU64::new(IDLE),
            gave_up_at: Mutex::new(None),
            exits: Mutex::new(ExitLog::default()),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Opens the next generation; everything of the one before is now stale.
    pub(super) fn next_generation(&self) -> u64 {
        self.polling_since.store(IDLE, Ordering::Release);
        *self
            .gave_up_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        self.set_state(State::Starting);
        self.generation.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Starting,
            1 => State::Running,
            2 => State::BackingOff,
            3 => State::GaveUp,
            _ => State::Stopped,
        }
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    pub(super) fn enter_poll(&self) {
        self.polling_since.store(uptime_ms(), Ordering::Release);
    }

    pub(super) fn leave_poll(&self) {
        self.polling_since.store(IDLE, Ordering::Release);
    }

    /// How long the current poll has taken.
    pub(super) fn polling_for(&self) -> Option<Duration> {
        match self.polling_since.load(Ordering::Acquire) {
            IDLE => None,
            since => Some(Duration::from_millis(uptime_ms().saturating_sub(since))),
        }
    }

    pub(super) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("weir_actor_restarts_total", "actor" => self.name.clone()).increment(1);
    }

    /// How long ago the actor gave up, if it has.
    pub(super) fn gave_up_for(&self) -> Option<Duration> {
        self.gave_up_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .map(|at| at.elapsed())
    }

    pub(super) fn record(&self, exit: Exit) {
        tracing::warn!(actor = self.name, generation = self.generation(), exit = ?exit, "actor ended");
        metrics::counter!("weir_actor_exits_total", "actor" => self.name.clone(), "reason" => exit.label()).increment(1);
        if matches!(exit, Exit::GaveUp { .. }) {
            *self
                .gave_up_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            self.set_state(State::GaveUp);
        }
        let mut log = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        match exit {
            Exit::Panicked { .. } => log.counts.panicked += 1,
            Exit::Stopped => log.counts.stopped += 1,
            Exit::Frozen { .. } => log.counts.frozen += 1,
            Exit::GaveUp { .. } => log.counts.gave_up += 1,
        }
        log.last = Some(LastExit {
            exit,
            at: Utc::now(),
        });
    }

    pub(super) fn signs(&self) -> VitalSigns {
        let log = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        VitalSigns {
            name: self.name.clone(),
            state: self.state(),
            generation: self.generation(),
            restarts: self.restarts.load(Ordering::Relaxed),
            exits: log.counts,
            last_exit: log.last.clone(),
            polling_ms: self
                .polling_for()
                .map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            counters: self.counters.observe(),
        }
    }
}
