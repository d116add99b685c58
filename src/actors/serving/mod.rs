//! Actors of the serving path.

mod ranker;
mod snapshot_follower;

pub(crate) use ranker::GRACE;
pub use ranker::{Rank, Ranker, RankerCounters, Rankers};
pub use snapshot_follower::{
    Parse, ScorerHealth, SnapshotCounters, SnapshotFollower, SnapshotFollowerDeps, SnapshotSource,
};
