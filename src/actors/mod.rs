//! The actors. `weir_supervision` keeps them running.

mod infrastructure;
mod ingestion;
mod jobs;
mod programs;
mod recording;
mod scorer_pool;
pub mod serving;

pub use infrastructure::*;
pub use ingestion::*;
pub use jobs::*;
pub use programs::{ProgramCounters, ProgramWatcher, ProgramWatcherDeps};
pub use recording::*;
pub use scorer_pool::{ScorerPool, ScorerPoolDeps};
