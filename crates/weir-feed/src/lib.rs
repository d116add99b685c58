//! The vocabulary: what a client sends and what it gets back.
//!
//! Field names are those of the wire, the Prosocial Ranking Challenge's request and response (the pydantic models of
//! `ranking-challenge` 3.4.0, read in lax mode). A request those models accept is accepted here with the same meaning, and
//! what they refuse is refused, but for these, which are deliberate:
//!
//! - an absent `embedded_urls` counts as an empty list, as `null` does;
//! - a count past `i64::MAX`, in whatever notation, is taken as `i64::MAX` (the models refuse `1e30` and keep `10000000000000000000`);
//! - an ignored field may be nested to any depth, and may hold an escaped lone surrogate;
//! - a lone surrogate elsewhere is refused, so that [`repair_lone_surrogates`] is asked to read it as U+FFFD (the models
//!   keep it, and fail to answer where it is in an id);
//! - `NaN` and `Infinity`, which are not JSON, are refused.

mod answers;
mod engagements;
mod error;
mod item;
mod parse;
mod request;
mod response;
mod scoring_request;
mod survey;
mod web_address;

#[cfg(test)]
mod tests;

pub use answers::*;
pub use engagements::{Engagements, FacebookEngagements, RedditEngagements, TwitterEngagements};
pub use error::FeedError;
pub use item::{ContentItem, ItemKind};
pub use parse::parse_integer;
pub use parse::surrogates::{RepairedJson, SentId, SentIds, repair_lone_surrogates};
pub use parse::time::parse_timestamp;
pub use request::{Platform, RankRequest, Session, raw_items};
pub use response::{Degraded, Metadata, NewItem, RankResponse};
pub use scoring_request::{ScoringItem, ScoringMode, ScoringRequest};
pub use survey::Survey;
pub use web_address::{host, is_web_address};
