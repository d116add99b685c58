//! What is asked of the table `rankings`, which holds what `/rank` decided.

mod columns;
mod delete;
mod insert;
mod kept_ranking;
mod pages;
mod pending;

pub use kept_ranking::{KeptRanking, StoredRanking};
pub use pages::RankingPages;
pub(crate) use pending::{PendingBatch, PendingRankings};
