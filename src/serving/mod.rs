//! The path of a ranking request, as the documents draw it:
//!
//! 1. `context`: what the request needs beside its feed (policy, arm, deadline), from the `config` in force.
//! 2. `pipeline`: the stages in order, run by a ranker actor. Scoring, entities and the claims of insertion run side by side
//!    until the deadline; removal, ordering, diversity, fixed positions and threading order the `slate`.
//! 3. `answer`: the slots, new items and metadata, assembled in one place.
//! 4. `side_effects`: the answer is counted, and impressions and ranking records are kept.
//!
//! `/score` shares the first stage, and nothing else.

mod answer;
mod config;
mod context;
mod pipeline;
/// Policies, as the stages read them.
pub mod policy;
/// Scores of a feed.
pub mod score_matrix;
mod side_effects;
mod slate;
pub mod stages;

pub use answer::RankAnswer;
pub(crate) use answer::{ItemExplanation, RankOutcome};
pub use config::{ActiveArms, ActivePolicy, Assignment, AssignmentCounts, ServingConfig};
pub use context::RankContext;
pub(crate) use context::RankOptions;
pub use pipeline::Pipeline;
pub use side_effects::SideEffects;
pub use slate::Slate;
