//! Ranking, pure: from items, scores and top entities to an order. No actor, store or clock in here.

mod arms;
mod candidates;
mod matcher;
mod score;
mod score_scale;
mod top_entities;

pub use arms::{Arm, Arms, BUCKETS, Members};
pub use candidates::{Candidate, Candidates};
pub use matcher::{EntityMatch, EntityMatcher, MatcherError, NamedEntity};
pub use score::Score;
pub use score_scale::ScoreScale;
pub use top_entities::{TopEntities, TopEntitiesError, TopEntitySet};
