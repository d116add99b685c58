//! Seeds of a posts database: normalised items as a simulated cohort of users saw them.

mod feed_builder;
mod feeds;
mod item_reader;
mod item_table;
mod plan;
mod pool;
mod prepare;

pub use feeds::Impression;
pub use plan::{SeedPlan, SeedPlanRow};
pub use pool::{Activity, ActivityError, PoolError, UserPool};
pub use prepare::{PreparedSeed, Seed};
