//! From nothing to a posts database: text and raw platform data of the project's own making, and their way into `posts`.

mod error;
mod generator;
mod items;
pub mod preprocess;
mod progress;
mod pull;
mod sample;
mod seed;
mod text;
#[rustfmt::skip] // word lists, many to a line
mod vocabulary;
mod zipf;

pub use error::SeedingError;
pub use generator::{generate, sample_request};
pub use preprocess::Preprocess;
pub use progress::{Bar, Progress};
pub use pull::pull;
pub use sample::load_sample;
pub use seed::{
    Activity, ActivityError, Distribution, DistributionError, Plan, PlanRow, PoolError, Seed,
    Seeded, UserPool,
};
pub use text::TextGenerator;
