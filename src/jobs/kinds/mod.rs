//! The jobs that ship, one file each; `Registry::shipped` lists them.

mod count_top_named_entities;
mod post_statistics;
mod program;
mod program_job;
mod prune_posts;
mod query_posts_db;
mod refresh_candidates;
mod substring_matches_by_platform;

pub use count_top_named_entities::CountTopNamedEntities;
pub use post_statistics::PostStatistics;
pub(in crate::jobs) use program::ProgramRun;
pub use program::Programs;
pub(in crate::jobs) use program_job::{ProgramJob, ProgramJobs};
pub use prune_posts::PrunePosts;
pub use query_posts_db::QueryPostsDb;
pub(crate) use refresh_candidates::candidates_key;
pub use refresh_candidates::{Bounds, RefreshCandidates};
pub use substring_matches_by_platform::SubstringMatchesByPlatform;
