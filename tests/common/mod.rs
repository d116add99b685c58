//! Databases and stores of the library to test on; servers and processes are in the crate `weir-test-support`.

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
pub(crate) mod posts;
pub(crate) mod stores;
pub(crate) mod workplace;
