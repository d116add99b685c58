//! Counts of entities by hour and platform, kept beside the posts and true to them whoever writes.
//!
//! Triggers on `posts` mark the hour of every row that comes, changes or goes, also those of other programs. A run reads
//! the marks, counts the posts of those hours, and in one transaction stores the counts and removes the marks it had
//! read: a change it has not seen has a mark of its own, so an hour without marks is counted as it is.

mod changed;
mod counts;
mod hour;
mod names;
mod posts;
pub(in crate::db) mod schema;
mod tracking;

pub use changed::ChangedHours;
pub use counts::{HourCounts, StoredCounts};
pub use hour::Hour;
pub use names::FoundNames;
pub use posts::{HourPost, HourPosts, PostSpan, Said};
