//! The posts database, on SQLite or Postgres: connections, migrations, and queries named by intent.

mod connection;
mod copy_text;
mod ddl_locks;
mod entity_counts;
mod error;
mod insert_rows;
mod migrations;
mod new_file;
mod placeholders;
mod postgres;
mod posts;
mod query;
mod rankings;
mod raw_transaction;
mod scraped;
mod sqlite;
mod time;
mod transfer;
mod watch;
mod writeback;

pub use crate::sql::{Pool, WriteTransaction};
pub use connection::Database;
pub use entity_counts::{
    Bucket, BucketCounts, CountChanges, CountSnapshot, CountsToExtend, Fingerprint, Hour,
    PendingInserts, PostSpan, PostWalk, StoredCounts, WalkedPost,
};
pub use error::DbError;
pub use insert_rows::{InsertOutcome, RejectedRow};
pub use new_file::NewFile;
pub(crate) use postgres::servers;
pub use posts::{
    IndexedLoad, LoadError, NewPost, OnExisting, PostBatch, PostCount, PostFilter, PostLoad,
    PostPages, PostText, entity as post,
};
pub use query::{QUERY_COMMAND, QueryAnswer, QueryError, QueryLimits, is_select, run_query};
pub(crate) use rankings::{PendingBatch, PendingRankings};
pub use rankings::{RankingPages, RankingRecord, StoredRanking};
pub use scraped::{NewScrapedPost, NewScraperError, ScrapedOutcome, ScrapedRow};
pub use time::TimeRange;
pub use transfer::{Checksum, TransferError, Transferred, transfer};

/// A name as both databases take any name.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
