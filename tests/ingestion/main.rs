//! Posts on their way in: the sources, and the scrapers that read them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod scrapers;
mod sources;
