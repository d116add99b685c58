//! Weir, a feed-ranking server.
//!
//! Dependencies point one way: `feed` <- `ranking`, `scoring`, `entities` <- `results`, `db`, `seeding` <- `jobs` <-
//! `actors` <- `http` <- `startup`, `cli`.

pub mod cli;
pub mod feed;
pub mod seeding;
