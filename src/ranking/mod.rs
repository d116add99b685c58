//! Ranking, pure: from items, scores and top entities to an order. No actor, store or clock in here.

mod arms;
mod assignment;
mod by_output;
mod candidates;
mod expressions;
mod matcher;
mod policy;
mod score;
mod score_scale;
mod slate;
pub mod stages;
mod top_entities;

pub use arms::{ArmConfig, ArmsConfig, INCOMING_ORDER};
pub use assignment::{Arm, Arms, Members};
pub use by_output::{ByOutput, OutputSetting};
pub(crate) use by_output::{ScorerOutputs, resolve, split};
pub use candidates::{Candidate, Candidates};
pub(crate) use expressions::Vocabulary;
pub use expressions::{ExpressionIssue, MissingKeyPolicy, PolicyExpressions, ScorerOutput};
pub use matcher::{EntityMatch, EntityMatcher, MatcherError, NamedEntity};
pub use policy::{Policy, PolicyConfig, ScorerTerm};
pub use score::Score;
pub use score_scale::{MissingScorePolicy, OutputOverride, OutputUse, ScoreScale, ScoreUse};
pub use slate::{Column, Labels, Slate};
pub use top_entities::{EntityMatches, TopEntities, TopEntitiesError, TopEntitySet};
