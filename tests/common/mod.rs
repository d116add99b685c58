//! What integration tests share.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test binary uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

pub(crate) mod databases;
pub(crate) mod jobs;
pub(crate) mod models;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod posts;
pub(crate) mod redis;
pub(crate) mod stores;
pub(crate) mod weir;
pub(crate) mod workplace;
pub(crate) mod x_search;
