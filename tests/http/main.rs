//! The HTTP interface: what it accepts, from whom, and what it answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod access;
mod fuzz;
mod jobs;
mod requests;
