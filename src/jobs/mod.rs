//! Background work over the posts: what a job is, and the jobs that ship, one file each.

mod arguments;
mod command;
mod context;
mod count_top_named_entities;
mod error;
mod fold_posts;
mod job;
mod large_result;
mod post_statistics;
mod prune_posts;
mod query_posts_db;
mod refresh_candidates;
mod registry;
mod result_key;
mod substring_matches_by_platform;

pub use arguments::{Moment, Period, Window};
pub use command::Commands;
pub use context::{FencingToken, JobContext, JobResources, Progress, Run};
pub use count_top_named_entities::CountTopNamedEntities;
pub use error::{ArgumentError, JobError, UnknownJob};
pub use job::{Job, Limits, RetryPolicy};
pub use large_result::{LargeResult, LargeResults};
pub use post_statistics::PostStatistics;
pub use prune_posts::PrunePosts;
pub use query_posts_db::QueryPostsDb;
pub use refresh_candidates::{Bounds, CANDIDATES_KEY, RefreshCandidates};
pub use registry::{PrepareError, PreparedJob, Registry};
pub use substring_matches_by_platform::SubstringMatchesByPlatform;
