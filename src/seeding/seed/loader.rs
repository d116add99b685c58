use std::mem;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::super::items::{ItemFiles, ItemReader};
use super::super::preprocess::{Reason, Report};
use super::super::{Progress, SeedingError};
use super::UserPool;
use super::feeds::Feeds;
use super::plan::Plan;
use super::survey::Survey;
use crate::db::{Database, Existing, IndexedLoad, PostBatch};

/// Posts handed to the database at a time, some five megabytes.
const BATCH: usize = 5_000;
/// Batches that wait for the database.
const QUEUE: usize = 2;

/// Normalised items, about to become the posts of a database.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Folder of the items, as `weir preprocess` wrote it, or of tables.
    pub input: PathBuf,
    /// Who sees them; without a pool one user does, and times stay as they are.
    pub pool: Option<UserPool>,
    /// What becomes of the posts that are there.
    pub existing: Existing,
    /// The time of the newest session.
    pub now: DateTime<Utc>,
}

/// What became of the items.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// What was written.
    pub plan: Plan,
    /// What was read and left out, by platform.
    pub reports: Vec<Report>,
}

/// What a first reading settles.
struct Prepared {
    surveys: Vec<Survey>,
    feeds: Feeds,
}

impl Seed {
    /// What [`Seed::run`] would write.
    pub fn plan(&self, progress: &Progress) -> Result<Plan, SeedingError> {
        let Prepared { surveys, feeds } = self.prepare(progress)?;
        Ok(feeds.plan(&surveys))
    }

    /// Loads every item into a migrated database, in one transaction: after an error, or once `stop` is cancelled, nothing
    /// has changed.
    pub async fn run(
        &self,
        database: &Database,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Seeded, SeedingError> {
        let (load, seeded) = tokio::select! {
            filled = self.fill(database, progress) => filled?,
            () = stop.cancelled() => return Err(SeedingError::Interrupted),
        };
        // Past this point it is written, whoever asks to stop.
        load.commit().await?;
        Ok(seeded)
    }

    /// Everything but the commit.
    async fn fill(
        &self,
        database: &Database,
        progress: &Progress,
    ) -> Result<(IndexedLoad, Seeded), SeedingError> {
        let (seed, shown) = (self.clone(), progress.clone());
        let prepared = spawn_blocking(move || seed.prepare(&shown)).await??;
        let plan = prepared.feeds.plan(&prepared.surveys);
        let mut load = database.begin_load(self.existing).await?;
        let (sender, mut batches) = mpsc::channel(QUEUE);
        let shown = progress.clone();
        let first = load.batch();
        let producer = spawn_blocking(move || prepared.produce(first, &sender, &shown));
        while let Some(batch) = batches.recv().await {
            load.write(batch).await?;
        }
        let reports = producer.await??;
        progress.say("building indexes");
        Ok((load.index().await?, Seeded { plan, reports }))
    }

    fn prepare(&self, progress: &Progress) -> Result<Prepared, SeedingError> {
        let files = ItemFiles::find(&self.input)?;
        let surveys = thread::scope(|scope| {
            let survey = |file| scope.spawn(move || Survey::of(file, progress));
            let readings: Vec<_> = files.into_iter().map(survey).collect();
            readings
                .into_iter()
                .map(|reading| reading.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let feeds = Feeds::new(self.pool.as_ref(), &surveys, self.now)?;
        Ok(Prepared { surveys, feeds })
    }
}

impl Prepared {
    /// Reads the files again and sends their posts; ends early when nobody takes them any more.
    fn produce(
        self,
        mut batch: PostBatch,
        batches: &mpsc::Sender<PostBatch>,
        progress: &Progress,
    ) -> Result<Vec<Report>, SeedingError> {
        let Self { surveys, mut feeds } = self;
        let mut reports = Vec::new();
        for mut survey in surveys {
            let file = survey.file.clone();
            let mut reader = ItemReader::open(&file, progress)?;
            while let Some((line, item)) = reader.next()? {
                if survey.is_repeat(line)? {
                    reader.leave_out(line, item.kind, Reason::Duplicate);
                    continue;
                }
                let kind = item.kind;
                let Some(post) = feeds.post(file.platform, item)? else {
                    reader.leave_out(line, kind, Reason::NoReader);
                    continue;
                };
                batch.push(post);
                if batch.len() == BATCH {
                    let another = batch.another();
                    let full = mem::replace(&mut batch, another);
                    if batches.blocking_send(full).is_err() {
                        return Ok(reports);
                    }
                }
            }
            reports.push(reader.report());
        }
        // Where nobody takes them, an error is already on its way.
        let _ = batches.blocking_send(batch);
        Ok(reports)
    }
}
