//! Weir as an operator meets it: where its log goes, which signals it takes, what its commands print.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod actor_metrics;
mod chaos;
mod check;
mod command_output;
mod config_file;
mod first_process;
mod layers;
mod logs;
mod programs;
mod requests;
mod restart;
mod sample_serve;
mod server;
mod signals;
