//! The sample posts, for a database that has none.

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use super::items::{ItemFiles, ItemReader};
use super::preprocess::Preprocess;
use super::seed::new_post;
use super::{Progress, SeedingError, generate};
use crate::db::{Database, Existing, LoadError, NewPost};
use crate::feed::{ContentItem, Platform};

/// As the committed sample data, see `sample_data/README.md`.
const SEED: u64 = 1;
const POSTS_PER_PLATFORM: u64 = 300;
/// Keeps author names the same in every database.
const AUTHOR_SALT: &str = "sample";
/// Who is said to have seen them.
const USER: &str = "sample";
/// Within the 30 days that the shipped schedule looks back, with some to spare.
const SPAN: TimeDelta = TimeDelta::days(28);

/// Loads the sample posts into a migrated database without posts, and answers how many; `None` where there are posts.
///
/// They are the posts and comments of `sample_data/raw`, made again. Their five years are compressed to the 28 days up to
/// `now`, so that what looks back over days finds them.
pub async fn load_sample(
    database: &Database,
    now: DateTime<Utc>,
) -> Result<Option<u64>, SeedingError> {
    if !database.is_empty().await? {
        return Ok(None);
    }
    let posts = tokio::task::spawn_blocking(move || sample_posts(now)).await??;
    let mut load = match database.begin_load(Existing::Refuse).await {
        Ok(load) => load,
        // Another process was faster.
        Err(LoadError::NotEmpty) => return Ok(None),
        Err(LoadError::Database(error)) => return Err(error.into()),
    };
    let loaded = posts.len() as u64;
    let mut batch = load.batch();
    for post in posts {
        batch.push(post);
    }
    load.write(batch).await?;
    load.index().await?.commit().await?;
    Ok(Some(loaded))
}

fn sample_posts(now: DateTime<Utc>) -> Result<Vec<NewPost>, SeedingError> {
    let mut items = sample_items()?;
    let times = items.iter().map(|(_, item)| item.created_at);
    let (Some(oldest), Some(newest)) = (times.clone().min(), times.max()) else {
        return Ok(Vec::new());
    };
    let scale = SPAN.as_seconds_f64() / (newest - oldest).as_seconds_f64();
    items
        .iter_mut()
        .map(|(platform, item)| {
            item.created_at = now - scaled(newest - item.created_at, scale);
            new_post(item, *platform, USER, now)
        })
        .collect()
}

fn sample_items() -> Result<Vec<(Platform, ContentItem)>, SeedingError> {
    let folder = TempDir::new().map_err(SeedingError::file("create", &std::env::temp_dir()))?;
    let (raw, normalised) = (folder.path().join("raw"), folder.path().join("normalised"));
    generate(SEED, POSTS_PER_PLATFORM, &raw)?;
    let preprocess = Preprocess {
        author_salt: Some(AUTHOR_SALT.to_owned()),
        ..Preprocess::new(raw, &normalised)
    };
    preprocess.run(&Progress::hidden())?;
    let mut items = Vec::new();
    for file in ItemFiles::find(&normalised)? {
        let mut reader = ItemReader::open(&file, &Progress::hidden())?;
        while let Some((_, item)) = reader.next()? {
            items.push((file.platform, item));
        }
    }
    Ok(items)
}

#[allow(clippy::cast_possible_truncation, reason = "years, in milliseconds")]
fn scaled(age: TimeDelta, scale: f64) -> TimeDelta {
    TimeDelta::milliseconds((age.num_milliseconds() as f64 * scale) as i64)
}
