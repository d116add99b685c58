//! Weir as an operator meets it: where its log goes, which signals it takes, what its commands print.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod command_output;
#[path = "../common/mod.rs"]
mod common;
mod config_file;
mod first_process;
mod logs;
mod requests;
mod server;
mod signals;
