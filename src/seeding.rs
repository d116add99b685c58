//! Seeds of the posts database: the impressions that `weir_lab` yields become posts, in one transaction.

use std::io;
use std::mem;

use chrono::{DateTime, Utc};
use serde_json::value::to_raw_value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;
use weir_lab::{Impression, InputReport, LabError, PreparedSeed, Progress, Seed, SeedPlan};

use crate::db::{Database, DbError, IndexedLoad, LoadError, NewPost, OnExisting, PostBatch};

/// Posts per batch, about five megabytes.
const BATCH_SIZE: usize = 5_000;
/// Batches that wait for the database.
const QUEUED_BATCHES: usize = 2;

/// Reason why a seed was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum SeedingError {
    /// The database has posts, and they were to be left alone.
    #[error(
        "the posts table is not empty: pass --drop-table to recreate it, or --upsert to replace posts that occur again and keep the others"
    )]
    NotEmpty,
    /// The load was cancelled.
    #[error("interrupted: the database is unchanged; run the same command to start again")]
    Interrupted,
    /// The items are invalid or cannot be read.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
    /// An item cannot be serialized.
    #[error("cannot serialize an item: {0}")]
    Json(#[from] serde_json::Error),
    /// The folder of the sample data cannot be created.
    #[error("cannot create a temporary folder: {0}")]
    TempDir(#[source] io::Error),
    /// A thread of the loader panicked.
    #[error("a thread of the loader failed: {0}")]
    Thread(#[from] JoinError),
}

impl From<LoadError> for SeedingError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::NotEmpty => Self::NotEmpty,
            LoadError::Database(error) => Self::Database(error),
        }
    }
}

/// Result of a load.
#[derive(Clone, Debug)]
pub struct LoadedSeed {
    /// Users, sessions and posts that were written.
    pub plan: SeedPlan,
    /// Items that were read, by platform.
    pub reports: Vec<InputReport>,
}

/// Loads a seed into a migrated database, in one transaction: after an error, or if `stop` is cancelled, nothing has
/// changed.
pub async fn load_seed(
    seed: Seed,
    database: &Database,
    on_existing: OnExisting,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<LoadedSeed, SeedingError> {
    let (load, loaded) = tokio::select! {
        written = write_posts(seed, database, on_existing, progress) => written?,
        () = stop.cancelled() => return Err(SeedingError::Interrupted),
    };
    // A commit that was begun is not cancelled.
    load.commit().await?;
    Ok(loaded)
}

async fn write_posts(
    seed: Seed,
    database: &Database,
    on_existing: OnExisting,
    progress: &Progress,
) -> Result<(IndexedLoad, LoadedSeed), SeedingError> {
    let shown = progress.clone();
    let prepared = spawn_blocking(move || seed.prepare(&shown)).await??;
    let plan = prepared.plan().clone();
    let mut load = database.begin_load(on_existing).await?;
    let (sender, mut batches) = mpsc::channel(QUEUED_BATCHES);
    let (first, shown) = (load.batch(), progress.clone());
    let producer = spawn_blocking(move || produce_batches(prepared, first, &sender, &shown));
    while let Some(batch) = batches.recv().await {
        load.write(batch).await?;
    }
    let reports = producer.await??;
    progress.step("building indexes");
    Ok((load.index().await?, LoadedSeed { plan, reports }))
}

/// Sends all posts in batches; ends early if the load was dropped.
fn produce_batches(
    prepared: PreparedSeed,
    mut batch: PostBatch,
    batches: &mpsc::Sender<PostBatch>,
    progress: &Progress,
) -> Result<Vec<InputReport>, SeedingError> {
    let send = |batch| {
        let sent = batches.blocking_send(batch);
        sent.map_err(|_| SeedingError::Interrupted)
    };
    let reports = prepared.for_each_impression(progress, |impression| {
        batch.push(new_post(impression)?);
        if batch.len() < BATCH_SIZE {
            return Ok(());
        }
        let next = batch.another();
        send(mem::replace(&mut batch, next))
    })?;
    send(batch)?;
    Ok(reports)
}

fn new_post(impression: Impression) -> Result<NewPost, SeedingError> {
    let item = impression.item;
    let post_blob = to_raw_value(&item)?;
    Ok(NewPost {
        post_id: item.id,
        session_timestamp: impression.session_timestamp,
        session_user_id: impression.user_id,
        platform: impression.platform.as_str().to_owned(),
        kind: item.kind.as_str().to_owned(),
        author_name_hash: item.author_name_hash,
        created_at: item.created_at,
        post_blob,
    })
}

/// Loads the sample posts into a migrated database without posts, and returns their number, or `None` if it has posts.
///
/// They are the posts of `sample_data/raw`, generated again, as a small cohort saw them in the weeks up to `now`.
pub async fn load_sample(
    database: &Database,
    now: DateTime<Utc>,
) -> Result<Option<u64>, SeedingError> {
    if !database.is_empty().await? {
        return Ok(None);
    }
    let folder = TempDir::new().map_err(SeedingError::TempDir)?;
    let path = folder.path().to_owned();
    let seed = spawn_blocking(move || Seed::sample(&path, now)).await??;
    let (progress, stop) = (Progress::hidden(), CancellationToken::new());
    match load_seed(seed, database, OnExisting::Refuse, &progress, &stop).await {
        Ok(loaded) => Ok(Some(loaded.plan.posts())),
        // Another process was faster.
        Err(SeedingError::NotEmpty) => Ok(None),
        Err(error) => Err(error),
    }
}
