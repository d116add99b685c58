//! Weir, a feed-ranking server.
//!
//! Dependencies point one way: `weir_feed` <- `ranking`, `scoring` <- `store`, `queue`, `db`, `sources`, `seeding` <- `jobs` <-
//! `serving`, `actors` <- `http` <- `app`, `cli`.

#![warn(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic where the stream cannot be written"
)]

pub mod actors;
pub mod app;
pub mod cli;
pub mod data_dir;
pub mod db;
mod durable_file;
pub mod health;
pub mod http;
pub mod ingestion;
pub mod jobs;
pub mod outage;
mod priority;
pub mod programs;
pub mod queue;
pub mod ranking;
mod rate_limit;
pub mod redis_server;
mod regular_file;
pub mod scoring;
pub mod seeding;
pub mod serving;
pub mod settings;
pub mod snapshot;
pub mod sources;
mod sql;
pub mod store;
pub mod telemetry;
pub mod timetable;
