//! The path of a ranking request, as the documents draw it:
//!
//! 1. `context`: what the request needs beside its feed (policy, arm, deadline), from the `config` in force.
//! 2. `pipeline`: the stages in order, run by a ranker actor. Scoring, entities and the claims of insertion run side by side
//!    until the deadline; then the pure stages of `ranking` order the slate.
//! 3. `answer`: the slots, new items and metadata, assembled in one place.
//! 4. `side_effects`: the answer is counted, and impressions and ranking records are kept.
//!
//! `/score` shares the scoring stage, and nothing else.

mod answer;
mod assignment_history;
mod config;
mod context;
mod pipeline;
pub(crate) mod score_matrix;
mod side_effects;
pub(crate) mod stages;

pub use answer::RankAnswer;
pub(crate) use answer::{ItemExplanation, RankOutcome};
pub use assignment_history::AssignmentError;
pub(crate) use assignment_history::AssignmentHistory;
pub(crate) use config::ColumnSource;
pub use config::{
    ActiveArms, ActivePolicy, Assignment, AssignmentCounts, PerspectiveAttributes, ServingConfig,
};
pub use context::RankContext;
pub(crate) use context::RankOptions;
pub use pipeline::Pipeline;
pub use side_effects::SideEffects;
