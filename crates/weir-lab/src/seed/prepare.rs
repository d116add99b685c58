use std::env;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use chrono::{DateTime, Utc};

use super::feeds::{Feeds, Impression};
use super::item_reader::{ItemFile, ItemReader};
use super::{PoolError, SeedPlan, UserPool};
use crate::spill::{self, DuplicateFinder, Duplicates};
use crate::{DropReason, InputReport, LabError, Preprocess, Progress, generate};

/// Seed of all random choices of the sample, also of the committed `sample_data`.
const SAMPLE_SEED: u64 = 1;
const SAMPLE_POSTS_PER_PLATFORM: u64 = 300;
/// Fixed, so that author names are the same in every database.
const SAMPLE_AUTHOR_SALT: &str = "sample";
/// Few enough that their sessions go back three weeks, within the 30 days that the shipped schedule counts.
const SAMPLE_USERS: u64 = 12;

/// Normalised items and the users who see them.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Folder of the items, as `weir preprocess` writes them or as tables.
    pub input: PathBuf,
    /// Users; without a pool, a single user sees all items now, and their times stay as they are.
    pub pool: Option<UserPool>,
    /// Time of the newest session.
    pub now: DateTime<Utc>,
}

impl Seed {
    /// Generates and preprocesses the sample data in `folder`, and returns its seed: a small cohort that reads up to `now`.
    pub fn sample(folder: &Path, now: DateTime<Utc>) -> Result<Self, LabError> {
        let (raw, normalised) = (folder.join("raw"), folder.join("normalised"));
        let progress = Progress::hidden();
        generate(SAMPLE_SEED, SAMPLE_POSTS_PER_PLATFORM, &raw, &progress)?;
        let preprocess = Preprocess {
            author_salt: Some(SAMPLE_AUTHOR_SALT.to_owned()),
            ..Preprocess::new(raw, &normalised)
        };
        preprocess.run(&progress)?;
        let pool = UserPool {
            users: SAMPLE_USERS,
            ..UserPool::new(SAMPLE_SEED).map_err(PoolError::from)?
        };
        Ok(Self {
            input: normalised,
            pool: Some(pool),
            now,
        })
    }

    /// Reads the items once, to count them and to find duplicates, and assigns sessions to the users.
    pub fn prepare(&self, progress: &Progress) -> Result<PreparedSeed, LabError> {
        let files = ItemFile::find(&self.input)?;
        let scans = thread::scope(|scope| {
            let scans: Vec<_> = files
                .into_iter()
                .map(|file| scope.spawn(move || FileScan::new(file, progress)))
                .collect();
            scans
                .into_iter()
                .map(|scan| scan.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let items: Vec<_> = scans
            .iter()
            .map(|scan| (scan.file.platform, scan.items))
            .collect();
        let feeds = Feeds::new(self.pool.as_ref(), &items, self.now)?;
        let plan = feeds.plan(&items);
        Ok(PreparedSeed { scans, feeds, plan })
    }
}

/// Seed whose users have their sessions.
pub struct PreparedSeed {
    scans: Vec<FileScan>,
    feeds: Feeds,
    plan: SeedPlan,
}

impl PreparedSeed {
    /// Returns the number of users, sessions and impressions.
    pub fn plan(&self) -> &SeedPlan {
        &self.plan
    }

    /// Reads the items again and passes every impression to `sink`. An error of `sink` ends the run.
    pub fn for_each_impression<E: From<LabError>>(
        self,
        progress: &Progress,
        mut sink: impl FnMut(Impression) -> Result<(), E>,
    ) -> Result<Vec<InputReport>, E> {
        let mut feeds = self.feeds;
        let mut reports = Vec::new();
        for mut scan in self.scans {
            let file = scan.file.clone();
            let mut reader = ItemReader::open(&file, progress)?;
            while let Some((line, item)) = reader.next()? {
                let kind = item.kind;
                if scan.is_duplicate(line)? {
                    reader.drop(line, kind, DropReason::Duplicate);
                } else if let Some(impression) = feeds.assign(file.platform, item) {
                    sink(impression)?;
                } else {
                    reader.drop(line, kind, DropReason::NoUsers);
                }
            }
            reports.push(reader.into_report());
        }
        Ok(reports)
    }
}

/// Result of the first pass over a file.
struct FileScan {
    file: ItemFile,
    /// Number of items without duplicates.
    items: u64,
    duplicates: Duplicates,
}

impl FileScan {
    fn new(file: ItemFile, progress: &Progress) -> Result<Self, LabError> {
        let mut ids = DuplicateFinder::new(&env::temp_dir(), spill::DEFAULT_MAX_BYTES);
        let mut reader = ItemReader::open(&file, progress)?;
        let mut read = 0;
        while let Some((line, id)) = reader.next_id()? {
            ids.add(id, line).map_err(spill_error)?;
            read += 1;
        }
        if read == 0 {
            return Err(reader.no_items_error());
        }
        let duplicates = ids.finish().map_err(spill_error)?;
        Ok(Self {
            items: read - duplicates.count(),
            file,
            duplicates,
        })
    }

    fn is_duplicate(&mut self, line: u64) -> Result<bool, LabError> {
        self.duplicates.contains(line).map_err(spill_error)
    }
}

fn spill_error(error: io::Error) -> LabError {
    LabError::file("sort in", &env::temp_dir())(error)
}
