//! Pools of real programs in Python and sh, with every way in which they may fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_programs;
mod common;
mod fuzz;
mod jobs;
mod life;
mod orphans;
mod reload;
mod scoring;
