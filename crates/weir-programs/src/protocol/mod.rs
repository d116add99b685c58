//! The wire format: lines, messages and the types that they carry.

mod announcement;
mod error;
#[cfg(test)]
mod fuzz;
mod lines;
mod message;
mod score;

pub use announcement::{
    AnnouncedJob, AnnouncedScorer, AnnouncedSource, Announcement, AnnouncementError,
};
pub use error::{RpcError, code};
pub(crate) use lines::{LineReader, ReadError};
pub(crate) use message::{Incoming, Initialize, cancel, refuse_request, request};
pub use score::Cell;
pub(crate) use score::{ScoreParams, ScoreResult, SentItem};

/// Version of the protocol.
pub const PROTOCOL: &str = "weir-program/1";
/// Longest line in bytes, its line feed included.
pub const MAX_LINE_BYTES: usize = 16 << 20;
