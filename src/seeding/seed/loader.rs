use std::path::PathBuf;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::super::items::{ItemFiles, ItemReader};
use super::super::preprocess::{Reason, Report};
use super::super::{Progress, SeedingError};
use super::new_post;
use super::survey::Survey;
use crate::db::{Database, Existing, NewPost};

/// Posts handed to the database at a time, some two megabytes.
const BATCH: usize = 2_000;
/// Batches that wait for the database.
const QUEUE: usize = 2;

/// Normalised items, about to become the posts of a database.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Folder of the items, as `weir preprocess` wrote it, or of tables.
    pub input: PathBuf,
    /// What becomes of the posts that are there.
    pub existing: Existing,
    /// The time of the newest session.
    pub now: DateTime<Utc>,
}

impl Seed {
    /// Loads every item into a migrated database, in one transaction: after an error, or once `stop` is cancelled, nothing
    /// has changed. Answers what was read and left out, by platform.
    pub async fn run(
        &self,
        database: &Database,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Vec<Report>, SeedingError> {
        let (sender, mut batches) = mpsc::channel(QUEUE);
        let (seed, shown) = (self.clone(), progress.clone());
        let surveys = spawn_blocking(move || seed.survey(&shown)).await??;
        let mut load = database.begin_load(self.existing).await?;
        let (seed, shown) = (self.clone(), progress.clone());
        let producer = spawn_blocking(move || seed.produce(surveys, &sender, &shown));
        while let Some(posts) = tokio::select! {
            posts = batches.recv() => posts,
            () = stop.cancelled() => return Err(SeedingError::Interrupted),
        } {
            load.write(&posts).await?;
        }
        let reports = producer.await??;
        tokio::select! {
            finished = load.finish() => finished?,
            () = stop.cancelled() => return Err(SeedingError::Interrupted),
        }
        Ok(reports)
    }

    fn survey(&self, progress: &Progress) -> Result<Vec<Survey>, SeedingError> {
        let files = ItemFiles::find(&self.input)?.into_iter();
        files.map(|file| Survey::of(file, progress)).collect()
    }

    /// Reads the files again and sends their posts; ends early when nobody takes them any more.
    fn produce(
        &self,
        surveys: Vec<Survey>,
        batches: &mpsc::Sender<Vec<NewPost>>,
        progress: &Progress,
    ) -> Result<Vec<Report>, SeedingError> {
        let mut reports = Vec::new();
        let mut batch = Vec::with_capacity(BATCH);
        for mut survey in surveys {
            let file = survey.file.clone();
            let mut reader = ItemReader::open(&file, progress)?;
            while let Some((line, item)) = reader.next()? {
                if survey.is_repeat(line)? {
                    reader.leave_out(line, &item, Reason::Duplicate);
                    continue;
                }
                batch.push(new_post(&item, file.platform, ONE_USER, self.now)?);
                if batch.len() == BATCH {
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    if batches.blocking_send(full).is_err() {
                        return Ok(reports);
                    }
                }
            }
            reports.push(reader.finish()?);
        }
        // Where nobody takes them, an error is already on its way.
        let _ = batches.blocking_send(batch);
        Ok(reports)
    }
}

const ONE_USER: &str = "user";
