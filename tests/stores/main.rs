//! The stores of values, jobs and schedules, and their outages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod choice;
mod clock;
#[path = "../common/mod.rs"]
mod common;
mod jobs;
mod outage;
mod redis_server;
mod schedules;
mod values;
