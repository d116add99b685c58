use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// State of one process of a pool, for operators.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessStatus {
    /// State of the process.
    pub state: ProcessState,
    /// Process id, if there is a process.
    pub pid: Option<u32>,
    /// Device that it was given.
    pub device: Option<String>,
    /// Resident memory of its group in bytes, measured once a second.
    pub memory_bytes: u64,
    /// Time from its start until it was ready, in milliseconds.
    pub loaded_in_ms: Option<u64>,
    /// Processes started in its place, itself included.
    pub starts: u64,
    /// Reason why the newest start failed or the process before ended. Holds no text of a post.
    pub last_failure: Option<String>,
}

/// State of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// It loads.
    Starting,
    /// It loads, in place of one that had answered.
    Replacing,
    /// It is ready and waits to take over.
    Standby,
    /// It takes calls.
    Serving,
    /// It ended before an answer and is started again after a back-off.
    BackingOff,
    /// It used up its restarts; it is started again after a while.
    GaveUp,
}

/// Record that a pool keeps of one of its processes.
#[derive(Clone, Debug)]
pub(super) struct SlotState {
    pub(super) state: ProcessState,
    pub(super) pid: Option<u32>,
    pub(super) memory: Arc<AtomicU64>,
    pub(super) loaded_in_ms: Option<u64>,
    pub(super) starts: u64,
    pub(super) last_failure: Option<String>,
}

impl SlotState {
    pub(super) fn new() -> Self {
        Self {
            state: ProcessState::Starting,
            pid: None,
            memory: Arc::default(),
            loaded_in_ms: None,
            starts: 0,
            last_failure: None,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, ProcessState::Standby | ProcessState::Serving)
    }

    /// Returns whether it takes calls, or will as soon as it has loaded what a process before it had loaded.
    pub(super) fn works(&self) -> bool {
        self.is_ready() || self.state == ProcessState::Replacing
    }

    pub(super) fn status(&self, device: Option<&str>) -> ProcessStatus {
        ProcessStatus {
            state: self.state,
            pid: self.pid,
            device: device.map(str::to_owned),
            memory_bytes: self.pid.map_or(0, |_| self.memory.load(Ordering::Relaxed)),
            loaded_in_ms: self.loaded_in_ms,
            starts: self.starts,
            last_failure: self.last_failure.clone(),
        }
    }
}
