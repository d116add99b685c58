//! The actors, one file each, and the supervision they run under.

mod board;
mod gathering;
pub mod messages;
mod ranker;
mod scorer_pool;
mod served_policy;
pub mod supervision;

pub use board::{Board, Posted};
pub use ranker::{Ranker, RankerCounters};
pub use scorer_pool::ScorerPool;
pub use served_policy::{ServedPolicy, ServedPool};
