use std::any::Any;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::metrics::{ActorMetrics, Sample};

/// An actor's counters, read while the actor runs. Structs that [`counters!`](crate::counters) declares implement it.
pub trait Observable: Send + Sync {
    /// Returns the counters as they are now, as JSON.
    fn observe(&self) -> serde_json::Value;

    /// Returns the counters as they are now, as metrics.
    fn metrics(&self) -> Vec<Sample>;
}

impl<T: Serialize + ActorMetrics + Send + Sync> Observable for T {
    fn observe(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn metrics(&self) -> Vec<Sample> {
        self.samples()
    }
}

/// State of one actor for operators.
#[derive(Debug, Clone, Serialize)]
pub struct ActorStatus {
    /// Name, unique in its system.
    pub name: String,
    /// State in the actor's life.
    pub state: State,
    /// Number of its incarnation, from 1; each has a mailbox of its own.
    pub generation: u64,
    /// Restarts that kept the mailbox.
    pub restarts: u64,
    /// Exits by reason.
    pub exits: ExitCounts,
    /// Newest exit, if there was any.
    pub last_exit: Option<LastExit>,
    /// Time that its current poll has taken, in milliseconds, if it is in one.
    pub polling_ms: Option<u64>,
    /// Counters of the actor itself.
    pub counters: serde_json::Value,
    /// The same as metrics.
    #[serde(skip)]
    pub metrics: Vec<Sample>,
}

/// State in an actor's life.
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
    /// It used up its restarts; the system builds it again after the window.
    GaveUp = 3,
    /// It was stopped for good.
    Stopped = 4,
}

/// Reason for which an actor, or one incarnation of it, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Exit {
    /// A panic in `started`, a handler, a timer or a future of the actor.
    Panicked {
        /// The panic's message, if it is a literal. A formatted one may quote user data and is left out.
        message: Option<&'static str>,
    },
    /// The actor stopped by itself.
    Stopped,
    /// The actor did not return from one poll within the limit.
    Frozen {
        /// Time that it had been in that poll when it was replaced, in milliseconds.
        polling_ms: u64,
    },
    /// The actor used up its restarts.
    GaveUp {
        /// Restarts that its budget allowed within the window.
        max_restarts: usize,
    },
}

impl Exit {
    /// Reads the payload that `catch_unwind` returned.
    pub fn from_panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked {
            message: payload.downcast_ref::<&'static str>().copied(),
        }
    }

    /// Returns the reason as a metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked { .. } => "panicked",
            Self::Stopped => "stopped",
            Self::Frozen { .. } => "frozen",
            Self::GaveUp { .. } => "gave_up",
        }
    }
}

/// Number of exits by reason.
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

impl ExitCounts {
    pub(super) fn add(&mut self, exit: &Exit) {
        match exit {
            Exit::Panicked { .. } => self.panicked += 1,
            Exit::Stopped => self.stopped += 1,
            Exit::Frozen { .. } => self.frozen += 1,
            Exit::GaveUp { .. } => self.gave_up += 1,
        }
    }
}

/// An exit and its time.
#[derive(Debug, Clone, Serialize)]
pub struct LastExit {
    /// Reason of the exit.
    #[serde(flatten)]
    pub exit: Exit,
    /// Time of the exit.
    pub at: DateTime<Utc>,
}
