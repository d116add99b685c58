//! What is asked of the table `rankings`, which holds what `/rank` decided.

mod columns;
mod delete;
mod insert;
mod pages;
mod pending;
mod ranking_record;

pub use pages::RankingPages;
pub(crate) use pending::{PendingBatch, PendingRankings};
pub use ranking_record::{RankingRecord, StoredRanking};
