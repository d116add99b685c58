//! Scorers and the pools of threads they run in.

pub mod pool;
mod random;
mod scorer;

pub use random::RandomScorer;
pub use scorer::{CacheKey, Context, Scorer, Unscored, Worker};
