//! Background work over the posts: what a job is, and the jobs that ship, one file each.

mod arguments;
mod context;
mod count_top_named_entities;
mod error;
mod job;
mod registry;

pub use arguments::{Period, Window};
pub use context::{FencingToken, JobContext, Progress};
pub use count_top_named_entities::CountTopNamedEntities;
pub use error::{ArgumentError, JobError, UnknownJob};
pub use job::{Job, Limits, RetryPolicy};
pub use registry::{JobKind, PrepareError, PreparedJob, Registry};
