//! The posts database, on SQLite or Postgres: connections, migrations, and queries named by intent.

mod connection;
mod entity_counts;
mod error;
mod insert_rows;
mod migrations;
mod posts;
mod query;
mod ranking_records;
mod raw_transaction;
mod scraped;
mod sql_text;
mod time;
mod transfer;

pub use crate::sql::{Pool, WriteTransaction};
pub(crate) use connection::postgres::servers;
pub use connection::{Database, NewFile};
pub use entity_counts::{
    Bucket, BucketCounts, CountChanges, CountSnapshot, CountsToExtend, Fingerprint, Hour,
    PendingInserts, PostSpan, PostWalk, StoredCounts, WalkedPost,
};
pub use error::DbError;
pub use insert_rows::{InsertOutcome, RejectedRow};
pub use posts::{
    IndexedLoad, LoadError, NewPost, OnExisting, PostBatch, PostCount, PostFilter, PostLoad,
    PostPages, PostText, entity as post,
};
pub use query::{QUERY_COMMAND, QueryAnswer, QueryError, QueryLimits, is_select, run_query};
pub(crate) use ranking_records::{PendingBatch, PendingRankings};
pub use ranking_records::{RankingPages, RankingRecord, StoredRanking};
pub use scraped::{NewScrapedPost, NewScraperError, ScrapedOutcome, ScrapedRow};
pub use time::TimeRange;
pub use transfer::{Checksum, TransferError, Transferred, transfer};
