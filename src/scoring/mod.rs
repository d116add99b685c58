//! What a post says, in numbers.

pub mod sentiment;

pub use sentiment::Sentiment;
