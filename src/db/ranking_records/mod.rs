//! What is asked of the table `rankings`, which holds what `/rank` decided.

mod columns;
mod pages;
mod pending;
mod record;
mod storage;

pub use pages::RankingPages;
pub(crate) use pending::{PendingBatch, PendingRankings};
pub use record::{RankingRecord, StoredRanking};
