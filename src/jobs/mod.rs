//! Background work over the posts: what a job is, the jobs that ship, how they run and when.

mod arguments;
mod error;
pub(crate) mod execution;
mod job;
mod job_context;
mod kinds;
mod known_jobs;
mod large_result;
mod registry;
pub(crate) mod scheduling;

use std::time::Duration;

pub use arguments::{Moment, Period, Window};
pub use error::{ArgumentError, JobError, UnknownJob};
pub use execution::{JobCounters, WorkerContext, WorkerDeps};
pub use job::{Job, Limits, RetryPolicy};
pub use job_context::{FencingToken, JobContext, JobResources, Progress, Run};
pub(crate) use kinds::candidates_key;
pub use kinds::{
    Bounds, CountTopNamedEntities, PostStatistics, Programs, PrunePosts, QueryPostsDb,
    RefreshCandidates, SubstringMatchesByPlatform,
};
pub use known_jobs::KnownJobs;
pub use large_result::{LargeResult, LargeResults};
pub use registry::{PrepareError, PreparedJob, Registry};
pub use scheduling::{Schedule, SchedulerCounters, SchedulerDeps};

/// Time between two calls of a store that is unavailable.
pub(crate) const STORE_RETRY: Duration = Duration::from_millis(250);
