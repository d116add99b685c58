//! The path of a ranking request.

mod active_policy;
mod config;
pub(crate) mod stages;

pub use active_policy::{ServedPolicy, ServedPool};
pub use config::{ArmCounts, Group, Rankers, ServedArms, Serving};
pub use stages::insertion::CandidatesByPlatform;
