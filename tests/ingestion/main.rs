//! Posts on their way in: the sources, and the scrapers that read them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod scrapers;
mod sources;
