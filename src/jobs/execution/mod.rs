//! Execution of jobs: one run under its lease, within its limits, to its outcome.

mod context;
mod outcome;
mod run;

pub(crate) use context::{BusyWorker, Phase};
pub use context::{JobCounters, WorkerContext, WorkerDeps};
pub(crate) use run::run_to_completion;
