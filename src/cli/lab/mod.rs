//! Commands of `weir_lab`: raw data, seeds, requests and load.

mod bench;
mod fake;
mod generate;
mod preprocess;
mod pull;
mod seed;

pub(super) use bench::Bench;
pub(super) use fake::Fake;
pub(super) use generate::Generate;
pub(super) use preprocess::Preprocess;
pub(super) use pull::Pull;
pub(super) use seed::Seed;
