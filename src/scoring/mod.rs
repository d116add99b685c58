//! Scorers and the pools of threads they run in.

mod engagement;
mod failure;
mod formula;
mod http;
mod lexicon;
mod lookup;
pub mod pool;
mod random;
mod recency;
mod scorer;
mod scorers;
mod sentiment_scorer;
#[cfg(test)]
mod tests;

pub use engagement::Engagement;
pub use failure::Failure;
pub use formula::Formula;
pub use http::{HttpOptions, HttpScorer, HttpScorerError, ScorePath, ScorePathError};
pub use lexicon::{Lexicon, LexiconError};
pub use lookup::{Lookup, LookupBy, LookupTable, LookupTableError};
pub use random::RandomScorer;
pub use recency::Recency;
pub use scorer::{CacheKey, ScoreError, Scorer, Subject, Worker};
pub use scorers::Scorers;
pub use sentiment_scorer::SentimentScorer;
