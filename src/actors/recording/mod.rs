//! Actors that write what was served into the database.

mod decision_log;
mod impression_recorder;

use actix::Message;

pub use decision_log::{DecisionLog, DecisionLogCounters, DecisionLogDeps, DecisionLogHandle};
pub use impression_recorder::{ImpressionRecorder, RecorderCounters, RecorderDeps, RecorderHandle};

/// Answer once everything that was sent before is written.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Flush;
