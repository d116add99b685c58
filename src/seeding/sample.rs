//! The sample posts, for a database that has none: `weir generate`, `weir preprocess` and `weir seed` in a row.

use std::env;

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::preprocess::Preprocess;
use super::{PoolError, Progress, Seed, SeedingError, UserPool, generate};
use crate::db::{Database, Existing};

/// As the committed sample data, see `sample_data/README.md`.
const SEED: u64 = 1;
const POSTS_PER_PLATFORM: u64 = 300;
/// Keeps author names the same in every database.
const AUTHOR_SALT: &str = "sample";
/// So few that what they see goes back three weeks, within the 30 days that the shipped schedule looks back.
const USERS: u64 = 12;

/// Loads the sample posts into a migrated database without posts, and answers how many; `None` where there are posts.
///
/// They are the posts and comments of `sample_data/raw`, made again, as a small cohort saw them in the weeks up to `now`.
pub async fn load_sample(
    database: &Database,
    now: DateTime<Utc>,
) -> Result<Option<u64>, SeedingError> {
    if !database.is_empty().await? {
        return Ok(None);
    }
    let folder = TempDir::new().map_err(SeedingError::file("create", &env::temp_dir()))?;
    let (raw, normalised) = (folder.path().join("raw"), folder.path().join("normalised"));
    let preprocess = Preprocess {
        author_salt: Some(AUTHOR_SALT.to_owned()),
        ..Preprocess::new(&raw, &normalised)
    };
    let hidden = Progress::hidden();
    spawn_blocking(move || {
        generate(SEED, POSTS_PER_PLATFORM, &raw, &hidden)?;
        preprocess.run(&hidden)
    })
    .await??;
    let pool = UserPool {
        users: USERS,
        ..UserPool::new(SEED).map_err(PoolError::from)?
    };
    let seed = Seed {
        input: normalised,
        pool: Some(pool),
        existing: Existing::Refuse,
        now,
    };
    let seeded = seed
        .run(database, &Progress::hidden(), &CancellationToken::new())
        .await;
    match seeded {
        Ok(seeded) => Ok(Some(seeded.plan.posts())),
        // Another process was faster.
        Err(SeedingError::NotEmpty) => Ok(None),
        Err(error) => Err(error),
    }
}
