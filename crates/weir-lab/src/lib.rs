//! Tools around a ranking server: generated raw data, preprocessing of raw exports, seeds for a posts database, fake
//! requests and a load generator.
//!
//! Nothing here knows a database: [`Seed`] yields [`Impression`]s, and the caller stores them.

pub mod bench;
mod distribution;
mod error;
mod fake;
mod generator;
mod input;
mod preprocess;
mod progress;
mod pull;
mod seed;
mod spill;
mod text;
#[rustfmt::skip] // word lists, many to a line
mod vocabulary;

pub use distribution::{Distribution, DistributionError};
pub use error::LabError;
pub use fake::{FakeFeed, sample_request};
pub use generator::generate;
pub use input::{DropReason, Dropped, InputReport};
pub use preprocess::Preprocess;
pub use progress::{Bar, Progress};
pub use pull::pull;
pub use seed::{
    Activity, ActivityError, Impression, PoolError, PreparedSeed, Seed, SeedPlan, SeedPlanRow,
    UserPool,
};
pub use text::TextGenerator;
