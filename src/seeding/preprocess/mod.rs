//! From raw exports to normalised content items, one JSON object a line for each platform.
//!
//! Input streams. What needs the whole set, as grouping, duplicates and random parents, is sorted or looked up in temporary
//! files once it outgrows a bound, so memory does not grow with the data.

mod facebook;
mod input;
mod lines;
mod links;
mod output;
mod page_entry;
mod pseudonyms;
mod reddit;
mod reddit_entry;
mod repeats;
mod report;
mod shelf;
mod sorter;
mod table;
mod threads;
mod tweet;
mod twitter;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use input::RawFiles;
pub(super) use lines::Lines;
pub(super) use pseudonyms::{Pseudonyms, hex};
pub(super) use repeats::{RepeatFinder, Repeats};
pub use report::{Dropped, Reason, Report};
pub(super) use table::{Row, Table};

use super::{Progress, SeedingError};
use weir_feed::Platform;

/// Bytes that each of the six or so structures that need a whole set may hold before it moves to disk.
const DEFAULT_SPILL_BYTES: usize = 24 << 20;

/// What to preprocess, and how.
#[derive(Clone, Debug)]
pub struct Preprocess {
    /// Folder of the raw files, or of folders `facebook`, `reddit` and `twitter` with them.
    pub input: PathBuf,
    /// Folder for `facebook.jsonl`, `reddit.jsonl` and `twitter.jsonl`.
    pub output: PathBuf,
    /// Settles every random choice.
    pub seed: u64,
    /// Salt for author names; drawn anew for each run where there is none.
    pub author_salt: Option<String>,
    /// Bytes that a sort or a look-up may hold in memory.
    pub spill_bytes: usize,
}

/// What one platform's part works with.
struct Job<'a> {
    options: &'a Preprocess,
    names: Pseudonyms,
    progress: &'a Progress,
}

impl Preprocess {
    /// With a random choice settled by 0, a salt of this run, and the usual bound on memory.
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            seed: 0,
            author_salt: None,
            spill_bytes: DEFAULT_SPILL_BYTES,
        }
    }

    /// Preprocesses the platforms that have files, side by side. A platform's output appears whole or not at all.
    pub fn run(&self, progress: &Progress) -> Result<Vec<Report>, SeedingError> {
        let inputs = RawFiles::find(&self.input)?;
        fs::create_dir_all(&self.output).map_err(SeedingError::file("create", &self.output))?;
        let job = Job {
            options: self,
            names: Pseudonyms::new(self.author_salt.as_deref()),
            progress,
        };
        thread::scope(|scope| {
            let parts: Vec<_> = inputs
                .iter()
                .map(|files| scope.spawn(|| job.run(files)))
                .collect();
            let join = |part: thread::ScopedJoinHandle<'_, _>| {
                part.join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            parts.into_iter().map(join).collect()
        })
    }
}

impl Job<'_> {
    fn run(&self, files: &RawFiles) -> Result<Report, SeedingError> {
        match files {
            RawFiles::Facebook { posts, comments } => {
                facebook::preprocess(self, posts, comments.as_deref())
            }
            RawFiles::Reddit { table } => reddit::preprocess(self, table),
            RawFiles::Twitter { lines } => twitter::preprocess(self, lines),
        }
    }

    /// Where temporary files go.
    fn spill_folder(&self) -> &Path {
        &self.options.output
    }

    /// Turns what goes wrong with temporary files into an error that names their folder.
    fn spilling(&self) -> impl FnOnce(io::Error) -> SeedingError + use<'_> {
        SeedingError::file("sort in", self.spill_folder())
    }

    fn output(&self, platform: Platform) -> Result<output::Output, SeedingError> {
        output::Output::create(&self.options.output, platform)
    }
}
