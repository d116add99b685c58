//! One process, from its start to its end.

mod exit;
mod notices;
mod serve;
mod start;

pub use exit::{CallError, Exit, StartError};
pub(crate) use serve::{Call, CallPermit, ServeContext, Served};
pub use serve::{CallOptions, Progress};
pub(crate) use start::Process;
