use std::any::Any;

use serde::Serialize;

/// Why an actor, or one incarnation of it, ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Exit {
    /// A panic in `started`, a handler, a timer or a future of the actor's own.
    Panicked {
        /// The panic's message, if it is a literal. A formatted one may quote a post and is left out.
        message: Option<&'static str>,
    },
    /// The actor stopped by itself.
    Stopped,
    /// The actor did not return from one poll within the limit.
    Frozen {
        /// How long it had been in that poll when it was given up, in milliseconds.
        polling_ms: u64,
    },
    /// The actor used up its restarts.
    GaveUp {
        /// How many restarts its budget allowed within the window.
        max_restarts: usize,
    },
}

impl Exit {
    /// Reads the payload that `catch_unwind` caught.
    pub fn from_panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked {
            message: payload.downcast_ref::<&'static str>().copied(),
        }
    }

    /// The reason as a metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked { .. } => "panicked",
            Self::Stopped => "stopped",
            Self::Frozen { .. } => "frozen",
            Self::GaveUp { .. } => "gave_up",
        }
    }
}
