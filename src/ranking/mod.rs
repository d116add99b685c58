//! Ranking, pure: from items, scores and top entities to an order. No actor, store or clock in here.

mod arms;
mod author_decay;
mod candidates;
mod insert;
mod matcher;
mod order;
mod pins;
mod policy;
mod rank;
mod scale;
mod score;
mod threads;
mod top_entities;

pub use arms::{Arm, Arms, BUCKETS, Members};
pub use author_decay::AuthorDecay;
pub use candidates::{Candidate, Candidates};
pub use insert::{Insert, Places, Slot};
pub use matcher::{EntityMatcher, MatcherError, Matching, NamedEntity};
pub use order::descending;
pub use policy::{Exclude, Policy, Term, Unscored};
pub use rank::{Column, EntityFlags, Ranking, rank};
pub use scale::Scale;
pub use score::Score;
pub use top_entities::{TopEntities, TopEntitiesError, TopEntitySet};
