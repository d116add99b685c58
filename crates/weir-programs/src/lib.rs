//! Programs in any language as pools of supervised processes, which speak JSON-RPC over their standard streams.
//!
//! The [`ProgramHost`] is one thread that starts and drives every process. A [`ProgramPool`] keeps the processes of one [`ProgramSpec`]
//! running and hands them calls; a [`Program`] replaces one pool by another once that is warm. The wire format is that of
//! `docs/program-protocol.md`.

mod folder;
mod host;
pub mod launcher;
mod log;
mod memory;
mod pool;
mod process;
mod program;
mod protocol;
mod spec;
mod test_kit;

pub use host::ProgramHost;
pub use launcher::LauncherCommand;
pub use log::ProgramLog;
pub use pool::{ItemError, ProcessState, ProcessStatus, ProgramPool, Rows, ScoreBatch, ScoreItem};
pub use process::{CallError, CallOptions, Exit, Progress, StartError};
pub use program::Program;
pub use protocol::{
    AnnouncedJob, AnnouncedScorer, AnnouncedSource, Announcement, AnnouncementError, Cell,
    MAX_LINE_BYTES, PROTOCOL, RpcError, code,
};
pub use spec::{ExpectedScorer, ProgramSpec, Role};
pub use test_kit::{Finding, test_program};
