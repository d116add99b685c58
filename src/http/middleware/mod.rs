//! What surrounds the handlers: access, limits, observation, and answers to what fails.

mod access;
pub(super) mod failures;
pub(super) mod observation;
mod series;
pub(super) mod unread_body;

pub use access::Access;
pub(super) use access::{AdminScope, Authorized, IngestScope, RankScope};
