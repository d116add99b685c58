//! The posts database, on SQLite or Postgres: connections, migrations, and queries named by intent.

mod connection;
mod entity_hours;
mod error;
mod migrations;
mod postgres;
mod posts;
mod query;
mod sqlite;
mod time;

pub use connection::Database;
pub use entity_hours::{
    ChangedHours, FoundNames, Hour, HourCounts, HourPost, HourPosts, PostSpan, Said, StoredCounts,
};
pub use error::DbError;
pub use posts::{
    Existing, InsertOutcome, LoadError, NewPost, PostCount, PostFilter, PostLoad, PostPages,
    PostText, RejectedPost, entity as post,
};
pub use query::{QueryAnswer, QueryError, QueryLimits, is_select};
pub use time::TimeRange;
