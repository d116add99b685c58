//! Ranking and scoring, from the scorers to the answer of a running server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod arms;
#[path = "../common/mod.rs"]
mod common;
mod http_formats;
mod http_scorer;
mod new_kind;
mod perspective;
mod programs;
mod rank;
mod rank_faults;
mod rankers;
mod rankings;
mod recorder;
mod reload;
mod score;
mod scorer_faults;
mod scorer_kinds;
mod scorer_pool;
mod several_outputs;
