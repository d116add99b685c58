//! Jobs with leases: what every results store does alike.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod cancelling;
mod clock;
mod ends;
mod following;
mod instances;
mod leases;
mod load;
mod looking;
mod queue;
mod steps;
