//! The jobs that ship, on both databases.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod actors;
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod incremental_entities;
mod post_statistics;
mod program_jobs;
mod prune_posts;
mod query_limits;
mod query_posts_db;
mod refresh_candidates;
mod substring_matches;
mod top_named_entities;

use crate::common::workplace::Workplace;
