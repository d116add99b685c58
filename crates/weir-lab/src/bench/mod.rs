//! Load generator for `/rank` that verifies every response.

mod client;
mod feeds;
mod load;
mod report;

pub use client::{ClientError, Target};
pub use feeds::{FeedSpec, PreparedFeed, prepare_feeds};
pub use load::{Load, Pace};
pub use report::{Outcome, Report};
