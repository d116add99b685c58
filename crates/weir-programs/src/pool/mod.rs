//! The processes of one program, and the calls that they share.

mod batch;
mod program_pool;
mod slot;
mod status;

pub use batch::{ItemError, ScoreBatch, ScoreItem};
pub use program_pool::{ProgramPool, Rows};
pub use status::{ProcessState, ProcessStatus};
