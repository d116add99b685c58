//! Scorers and the pools of threads they run in.

pub mod pool;
mod random;
mod scorer;
pub mod sentiment;
mod sentiment_scorer;

pub use random::RandomScorer;
pub use scorer::{CacheKey, Context, Scorer, Unscored, Worker};
pub use sentiment::Sentiment;
pub use sentiment_scorer::SentimentScorer;
