//! Counts of entities by hour and platform, kept beside the posts and true to them whoever writes.
//!
//! Triggers on `posts` mark the hour of every row that changes or goes, also those of other programs. A run reads the
//! marks, counts the posts of those hours, and in one transaction stores the counts and removes the marks it had read: a
//! change it has not seen has a mark of its own. A row that comes into an hour without marks is an arrival: it waits to be
//! added to the counts, unless so many wait that its hour is marked. So an hour without marks is counted as it is, but for
//! its arrivals.
//!
//! An arrival must be counted once, also where one run counts its whole hour while another adds it. Whoever adds takes the
//! arrivals away, and adds none that has been taken. Whoever counts a whole hour takes its arrivals away too, and marks the
//! hour again for those that came after it took the marks, for it cannot know whether it has seen them. What changes
//! between reading an arrival and adding it has a mark by then, and what is added to is counted again.

mod arrivals;
mod changed;
mod counts;
mod hour;
mod ids;
mod names;
mod posts;
pub(in crate::db) mod schema;
mod stored;
mod tracking;

pub use arrivals::Arrivals;
pub use changed::{ChangedHours, LastMark};
pub use counts::{HourCounts, StoredCounts};
pub use hour::Hour;
pub use names::FoundNames;
pub use posts::{HourPost, HourPosts, PostSpan, Said};
