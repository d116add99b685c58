//! From normalised items to posts as a cohort of users saw them.

mod activity;
mod distribution;
mod feed_builder;
mod feeds;
mod loader;
mod plan;
mod pool;
mod post;
mod survey;

pub use activity::{Activity, ActivityError};
pub use distribution::{Distribution, DistributionError};
pub use loader::{Seed, Seeded};
pub use plan::{Plan, PlanRow};
pub use pool::{PoolError, UserPool};
