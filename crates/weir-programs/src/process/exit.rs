use std::process::ExitStatus;
use std::time::Duration;

use crate::protocol::{AnnouncementError, ReadError, RpcError};

/// Reason why a process ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exit {
    /// It ended by itself, or by a signal from elsewhere.
    #[error("it ended with {0}")]
    Ended(ExitStatus),
    /// It closed its stdout.
    #[error("it closed its stdout")]
    StdoutClosed,
    /// A call took too long.
    #[error("a call took longer than {0:?}")]
    Hung(Duration),
    /// Its group had too much memory.
    #[error("its processes had {bytes} bytes of memory, more than max_rss = {limit}")]
    Memory {
        /// Memory in bytes.
        bytes: u64,
        /// `max_rss`.
        limit: u64,
    },
    /// It violated the protocol.
    #[error("it violated the protocol: {0}")]
    Protocol(ProtocolError),
    /// It ran on after its job had been cancelled.
    #[error("it ran on after its job had been cancelled")]
    Cancelled,
    /// It had served as many calls as it may.
    #[error("it had served recycle_after calls")]
    Recycled,
    /// Its pool was stopped.
    #[error("it was stopped")]
    Stopped,
}

impl Exit {
    /// Returns the reason as a metric label.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ended(_) => "ended",
            Self::StdoutClosed => "stdout_closed",
            Self::Hung(_) => "hung",
            Self::Memory { .. } => "memory",
            Self::Protocol(_) => "protocol_error",
            Self::Cancelled => "cancelled",
            Self::Recycled => "recycled",
            Self::Stopped => "stopped",
        }
    }
}

/// A rule of the protocol that a process broke. Holds nothing of what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A line is no message.
    #[error("a line on its stdout is no message")]
    NotAMessage,
    /// A line is too long.
    #[error("a line on its stdout is longer than 16 MiB")]
    LineTooLong,
    /// It sent too many notifications.
    #[error("more than 10,000 notifications in a second")]
    Flood,
    /// It answered a request that is not in flight.
    #[error("a response to a request that is not in flight")]
    UnknownId,
    /// It sent something but a log line before it was initialized.
    #[error("something but log lines before the response to initialize")]
    TooEarly,
}

/// Reason why a process could not be started. The texts may be shown anywhere: no post has been sent yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The launcher could not be started.
    #[error("failed to start a process: {0}")]
    Spawn(String),
    /// The folder that it should run in is not there.
    #[error("the folder {0} does not exist")]
    NoFolder(String),
    /// The program refused to start.
    #[error("{}", refusal(.0))]
    Refused(Box<RpcError>),
    /// It ended before it was ready.
    #[error("{exit} before it was ready{}", .last_line.as_ref().map(|line| format!("; the last line of its stderr: {line}")).unwrap_or_default())]
    Ended {
        /// The end of the process.
        exit: Exit,
        /// Last line of its stderr.
        last_line: Option<String>,
    },
    /// It was not ready in time.
    #[error("it was not ready within start_timeout = {0:?}")]
    TimedOut(Duration),
    /// It is not what was expected.
    #[error(transparent)]
    Announcement(#[from] AnnouncementError),
}

/// The text of an error in response to `initialize`, message included.
fn refusal(error: &RpcError) -> String {
    let data = &error.data;
    let place = match (&data.file, data.line) {
        (Some(file), Some(line)) => format!("{file}, line {line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    };
    let message = match error.message.as_str() {
        "" => error.to_string(),
        message => message.to_owned(),
    };
    let known = match data.known.as_slice() {
        [] => String::new(),
        known => format!(" (there are {})", known.join(", ")),
    };
    format!("{place}{message}{known}")
}

/// Reason why a call has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// No process can take it: all of them are starting, failing or given up.
    #[error("no process of the program is running")]
    Unavailable,
    /// No process was free in time.
    #[error("no process of the program was free in time")]
    NotInTime,
    /// The request is longer than a line may be.
    #[error("the request is longer than a line may be")]
    TooLong,
    /// The program answered with an error.
    #[error("{0}")]
    Failed(Box<RpcError>),
    /// The result does not fit.
    #[error("the program's result does not fit")]
    BadResult,
    /// The process ended during the call.
    #[error("the process ended during the call: {exit}")]
    Ended {
        /// The end of the process.
        exit: Exit,
        /// True if no other call was in flight at any time of this one.
        alone: bool,
    },
}

impl From<ReadError> for Exit {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLong => Self::Protocol(ProtocolError::LineTooLong),
            ReadError::Io(_) => Self::StdoutClosed,
        }
    }
}
