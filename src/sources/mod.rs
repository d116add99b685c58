//! Where outside posts come from: what a source is, and the kinds that ship, one file each.

mod client;
mod document;
mod error;
mod html;
mod outbox;
mod program;
mod public_addresses;
mod registry;
mod rss;
mod source;
mod stored_post;
mod twitter_search;

pub use client::{Answer, MAX_BODY_BYTES, Outside, SourceClient};
pub use error::{OpenError, SourceArgumentError, SourceError};
pub use outbox::{Outbox, OutboxEntry, OutboxError, OutboxPost, Receipt};
pub use registry::{SourceKind, SourcePlan, kinds, plan};
pub use rss::Rss;
pub use source::{Fetched, Position, ScrapedPost, Source};
pub use stored_post::StoredPost;
pub use twitter_search::TwitterSearch;
