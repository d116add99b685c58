//! The jobs that ship, one file each; `Registry::shipped` lists them.

mod command;
mod count_top_named_entities;
mod post_statistics;
mod prune_posts;
mod query_posts_db;
mod refresh_candidates;
mod substring_matches_by_platform;

pub(in crate::jobs) use command::CommandRun;
pub use command::Commands;
pub use count_top_named_entities::CountTopNamedEntities;
pub use post_statistics::PostStatistics;
pub use prune_posts::PrunePosts;
pub use query_posts_db::QueryPostsDb;
pub use refresh_candidates::{Bounds, CANDIDATES_KEY, RefreshCandidates};
pub use substring_matches_by_platform::SubstringMatchesByPlatform;
