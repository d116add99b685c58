//! Ranking, pure: from items, scores and top entities to an order. No actor, store or clock in here.

mod candidates;
mod insert;
mod matcher;
mod order;
mod policy;
mod rank;
mod score;
mod top_entities;

pub use candidates::{Candidate, Candidates};
pub use insert::{Insert, Places, Slot};
pub use matcher::{EntityMatcher, MatcherError, Matching, NamedEntity};
pub use order::descending;
pub use policy::{Policy, Term};
pub use rank::{Column, EntityFlags, Ranking, rank};
pub use score::Score;
pub use top_entities::{TopEntities, TopEntitiesError};
