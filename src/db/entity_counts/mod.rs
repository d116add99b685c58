//! Exact counts of named entities by hour and platform, kept beside the posts and exact whoever writes those.
//!
//! The table `posts` belongs to others as much as to Weir, so nothing is installed on it. Instead, every run compares: the
//! posts of one hour and platform, a *bucket*, have a [`Fingerprint`], which changes with every change of a row that could
//! change their counts. Counts are stored together with the fingerprint of the very rows that they were counted from, so
//! they are exact if and only if the fingerprint of the bucket is still the same. It does not matter who stored them, or
//! whether somebody wrote in the meantime: what was counted from rows that are no longer there has another fingerprint than
//! those that are, and is counted again by the next run.
//!
//! A run reads all fingerprints and all later posts in one transaction, a [`CountSnapshot`]. Buckets whose fingerprint
//! differs are *dirty*: all their posts are counted. In the others, posts with greater ids than any that was counted are
//! *pending inserts*: they are added to the stored counts, unless another run has replaced those.
//!
//! On Postgres the version of a row is its `xmin`, the transaction that wrote it. SQLite has nothing of the kind, so a row's
//! version is a hash of what it says. `docs/decisions/0001` has the figures, and what was tried besides.

mod bucket;
mod fingerprint;
mod scan;
mod snapshot;
mod stored;
mod walk;

pub use bucket::{Bucket, Hour};
pub use fingerprint::Fingerprint;
pub use snapshot::{CountChanges, CountSnapshot, PendingInserts};
pub use stored::{BucketCounts, CountsToExtend, StoredCounts};
pub use walk::{PostSpan, PostWalk, WalkedPost};
