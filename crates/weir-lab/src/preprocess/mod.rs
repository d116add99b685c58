//! Raw exports to normalised content items, one JSON object per line and one file per platform.
//!
//! Input is streamed. Steps that need the whole set (grouping, duplicates, random parents) use the collections of
//! [`crate::spill`], so that memory does not grow with the data.

mod content;
mod facebook;
mod facebook_entry;
mod files;

mod reddit;
mod reddit_entry;
mod tweet;
mod twitter;

use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use weir_feed::Platform;

pub(crate) use content::{Pseudonyms, hex};
use files::{Output, RawFiles};

use crate::spill::{self, DuplicateFinder, Sorter, SpillVec};
use crate::{InputReport, LabError, Progress};

/// Preprocessing of a folder of raw exports.
#[derive(Clone, Debug)]
pub struct Preprocess {
    /// Folder of the raw files, or of folders `facebook`, `reddit` and `twitter` with them.
    pub input: PathBuf,
    /// Folder for `facebook.jsonl`, `reddit.jsonl` and `twitter.jsonl`.
    pub output: PathBuf,
    /// Seed of all random choices.
    pub seed: u64,
    /// Salt of the author names' hashes; `None` draws one for each run.
    pub author_salt: Option<String>,
    /// Memory of a collection before it moves to disk.
    pub spill_bytes: usize,
}

/// Context of the runs for each platform.
struct Context<'a> {
    options: &'a Preprocess,
    pseudonyms: Pseudonyms,
    progress: &'a Progress,
}

impl Preprocess {
    /// Creates a run with seed 0, a random salt and the default memory.
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            seed: 0,
            author_salt: None,
            spill_bytes: spill::DEFAULT_MAX_BYTES,
        }
    }

    /// Preprocesses every platform that has files, in parallel. The output of a platform is written completely or not at all.
    pub fn run(&self, progress: &Progress) -> Result<Vec<InputReport>, LabError> {
        let inputs = RawFiles::find(&self.input)?;
        fs::create_dir_all(&self.output).map_err(LabError::file("create", &self.output))?;
        let context = Context {
            options: self,
            pseudonyms: Pseudonyms::new(self.author_salt.as_deref()),
            progress,
        };
        thread::scope(|scope| {
            let runs: Vec<_> = inputs
                .iter()
                .map(|files| scope.spawn(|| context.run(files)))
                .collect();
            runs.into_iter()
                .map(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        })
    }
}

impl Context<'_> {
    fn run(&self, files: &RawFiles) -> Result<InputReport, LabError> {
        match files {
            RawFiles::Facebook { posts, comments } => {
                facebook::preprocess(self, posts, comments.as_deref())
            }
            RawFiles::Reddit { table } => reddit::preprocess(self, table),
            RawFiles::Twitter { lines } => twitter::preprocess(self, lines),
        }
    }

    fn sorter(&self) -> Sorter {
        Sorter::new(&self.options.output, self.options.spill_bytes)
    }

    fn duplicate_finder(&self) -> DuplicateFinder {
        DuplicateFinder::new(&self.options.output, self.options.spill_bytes)
    }

    fn spill_vec<const N: usize>(&self) -> SpillVec<N> {
        SpillVec::new(&self.options.output, self.options.spill_bytes)
    }

    /// Returns a function that converts errors of temporary files.
    fn spill_error(&self) -> impl FnOnce(io::Error) -> LabError + use<'_> {
        LabError::file("sort in", &self.options.output)
    }

    fn output(&self, platform: Platform) -> Result<Output, LabError> {
        Output::create(&self.options.output, platform)
    }
}
