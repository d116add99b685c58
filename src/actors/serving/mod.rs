//! Actors of the serving path.

mod ranker;
mod snapshot_follower;

pub use ranker::{Ranker, RankerCounters};
pub use snapshot_follower::{
    Parse, ScorerHealth, SnapshotCounters, SnapshotFollower, SnapshotFollowerDeps, SnapshotSource,
};
