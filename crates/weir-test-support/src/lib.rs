//! Servers that the integration tests start and stop: Weir as a process, and the stores and models that it talks to.
//!
//! Nothing here depends on the library `weir`, so an edit there compiles none of this again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod feeds;
mod jobs;
pub mod models;
mod pgbouncer;
mod postgres;
mod redis;
mod weir;
pub mod x_search;

use std::time::{Duration, Instant};

pub use feeds::{feed_of, ranked_indices, top_entities};
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use redis::Redis;
pub use weir::{PATIENCE, Weir, http_client, weir_program};

/// Polls until `holds` returns true.
pub async fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
