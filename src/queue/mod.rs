//! Jobs and schedules: a persistent queue with leases, delivered at least once.
//!
//! A claim leases a job to a worker, who keeps the lease by heartbeats and ends it by settling. Each claim has a
//! greater token than all before; whoever has been overtaken settles nothing. A lease that runs out puts the job
//! back, and so does [`JobQueue::recover`] for an owner known to be dead.

mod handle;
mod lease;
mod list;
mod new_job;
mod record;
mod redis;
mod schedules;
mod sql;
mod state;

pub use handle::{JobQueue, QueueError, QueueLimits};
pub use lease::{Cancellation, Claim, Heartbeat, Lease, Outcome, Replay, Settled, Worker};
pub use list::{JobCounts, JobFilter, JobPage, UnreadableJob};
pub use new_job::{Enqueued, NewJob, Start};
pub use record::JobRecord;
pub use schedules::{Fired, ScheduleState, ScheduleStates, Schedules};
pub use state::JobState;

/// The name of a job for as long as it is known: a UUID of version 7, so ids sort by the time they were made.
pub type JobId = uuid::Uuid;
