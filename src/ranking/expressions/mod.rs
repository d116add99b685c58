//! Expressions in policies: the names that they may use, and what they are compiled to.

mod item_field;
mod policy_expressions;
mod request_field;
mod request_view;
mod vocabulary;

pub use policy_expressions::{ExpressionIssue, MissingKeyPolicy, PolicyExpressions};
pub use vocabulary::ScorerOutput;
pub(crate) use vocabulary::Vocabulary;
