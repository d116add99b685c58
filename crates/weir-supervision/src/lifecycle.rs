use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;

use super::status::{ActorStatus, Exit, ExitCounts, LastExit, Observable, State};

/// `polling_since` of an actor that is not in a poll.
const IDLE: u64 = 0;

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Milliseconds since the first call, never [`IDLE`].
fn uptime_ms() -> u64 {
    u64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
}

/// State of one actor, shared by its driver, the system and the readers of its status.
pub(super) struct Lifecycle {
    name: String,
    counters: Arc<dyn Observable>,
    state: AtomicU8,
    generation: AtomicU64,
    restarts: AtomicU64,
    polling_since: AtomicU64,
    exits: Mutex<ExitLog>,
}

#[derive(Debug, Default)]
struct ExitLog {
    counts: ExitCounts,
    last: Option<LastExit>,
    gave_up_at: Option<Instant>,
}

impl Lifecycle {
    pub(super) fn new(name: &str, counters: Arc<dyn Observable>) -> Self {
        Self {
            name: name.to_owned(),
            counters,
            state: AtomicU8::new(State::Starting as u8),
            generation: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            polling_since: AtomicU64::new(IDLE),
            exits: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Opens the next generation; everything of the one before is stale from now on.
    fn next_generation(&self) -> u64 {
        self.polling_since.store(IDLE, Ordering::Release);
        self.exits().gave_up_at = None;
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

    /// Returns the time that the current poll has taken, if the actor is in one.
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

    /// Returns the time since the actor gave up, if it has.
    pub(super) fn gave_up_for(&self) -> Option<Duration> {
        self.exits().gave_up_at.map(|at| at.elapsed())
    }

    pub(super) fn record(&self, exit: Exit) {
        tracing::warn!(actor = self.name, generation = self.generation(), exit = ?exit, "actor ended");
        metrics::counter!("weir_actor_exits_total", "actor" => self.name.clone(), "reason" => exit.label()).increment(1);
        let mut exits = self.exits();
        if matches!(exit, Exit::GaveUp { .. }) {
            exits.gave_up_at = Some(Instant::now());
            self.set_state(State::GaveUp);
        }
        exits.counts.add(&exit);
        exits.last = Some(LastExit {
            exit,
            at: Utc::now(),
        });
    }

    pub(super) fn status(&self) -> ActorStatus {
        let exits = self.exits();
        ActorStatus {
            name: self.name.clone(),
            state: self.state(),
            generation: self.generation(),
            restarts: self.restarts.load(Ordering::Relaxed),
            exits: exits.counts,
            last_exit: exits.last.clone(),
            polling_ms: self
                .polling_for()
                .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            counters: self.counters.observe(),
            metrics: self.counters.metrics(),
        }
    }

    fn exits(&self) -> MutexGuard<'_, ExitLog> {
        self.exits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One life of an actor between two mailboxes.
///
/// An actor that was replaced while it was frozen may wake up later. It holds its `Incarnation` and calls
/// [`is_current`](Self::is_current) before any effect outside itself that its successor may have overtaken.
#[derive(Clone)]
pub struct Incarnation {
    lifecycle: Arc<Lifecycle>,
    generation: u64,
}

impl Incarnation {
    pub(super) fn new(lifecycle: Arc<Lifecycle>) -> Self {
        let generation = lifecycle.next_generation();
        Self {
            lifecycle,
            generation,
        }
    }

    /// Returns whether no successor has replaced this incarnation.
    pub fn is_current(&self) -> bool {
        self.lifecycle.generation() == self.generation
    }

    /// Runs `effect` on the lifecycle unless it belongs to a successor by now.
    pub(super) fn if_current(&self, effect: impl FnOnce(&Lifecycle)) {
        if self.is_current() {
            effect(&self.lifecycle);
        }
    }
}
