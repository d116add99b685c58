//! Authors, times and files that the generators of all platforms share.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{Rng, RngExt};

use crate::LabError;
use crate::distribution::CumulativeWeights;

const AUTHORS: usize = 4000;
const FIRST_WORDS: &[&str] = &[
    "quiet", "late", "blue", "happy", "old", "tiny", "brave", "sleepy", "loud", "green",
];
const SECOND_WORDS: &[&str] = &[
    "otter", "baker", "cloud", "piano", "runner", "walrus", "garden", "comet", "teapot", "fox",
];
/// 30 June 2024, 12:00 UTC.
const NEWEST_POST_EPOCH_SECONDS: i64 = 1_719_748_800;
/// Time between the oldest and the newest post.
const SPAN_SECONDS: f64 = 5.0 * 365.25 * 24.0 * 3600.0;

/// Authors, a few of whom write most items.
pub(super) struct Authors(CumulativeWeights);

impl Authors {
    pub(super) fn new() -> Self {
        Self(CumulativeWeights::zipf(AUTHORS, 0.8))
    }

    /// Draws the number of an author, from 0.
    pub(super) fn number(&self, rng: &mut impl Rng) -> usize {
        self.0.sample(rng)
    }

    /// Draws the name of an author.
    pub(super) fn name(&self, rng: &mut impl Rng) -> String {
        let number = self.number(rng);
        let (rest, first) = (number / FIRST_WORDS.len(), number % FIRST_WORDS.len());
        let (suffix, second) = (rest / SECOND_WORDS.len(), rest % SECOND_WORDS.len());
        format!("{}_{}{suffix}", FIRST_WORDS[first], SECOND_WORDS[second])
    }
}

/// Times of posts, oldest first; their density grows towards the end.
pub(super) struct Timeline {
    posts: f64,
}

impl Timeline {
    pub(super) fn new(posts: u64) -> Self {
        Self {
            posts: posts as f64,
        }
    }

    /// Draws the time of the post at `index`, which is later than those of all posts before it.
    pub(super) fn time(&self, index: u64, rng: &mut impl Rng) -> DateTime<Utc> {
        let age = 1.0 - (index as f64 + rng.random::<f64>()) / self.posts;
        newest_post() - seconds(SPAN_SECONDS * age.powi(3))
    }
}

/// Draws the time of a comment, mostly some minutes after `post`.
pub(super) fn comment_time(post: DateTime<Utc>, rng: &mut impl Rng) -> DateTime<Utc> {
    let minutes = 1.0 / (rng.random::<f64>() + 0.0005);
    (post + seconds(60.0 * minutes)).min(newest_post())
}

/// Returns the time of the newest post in all generated data.
pub(crate) fn newest_post() -> DateTime<Utc> {
    DateTime::from_timestamp(NEWEST_POST_EPOCH_SECONDS, 0).unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "five years of seconds")]
fn seconds(seconds: f64) -> TimeDelta {
    TimeDelta::seconds(seconds as i64)
}

/// Writer of a CSV file, whose errors name the file.
pub(super) struct CsvWriter {
    path: PathBuf,
    rows: csv::Writer<File>,
}

impl CsvWriter {
    /// Creates the file and writes its header. Rows may have fewer fields than that: some are broken on purpose.
    pub(super) fn create(path: &Path, columns: &[&str]) -> Result<Self, LabError> {
        let file = File::create(path).map_err(LabError::file("create", path))?;
        let mut writer = Self {
            path: path.to_owned(),
            rows: csv::WriterBuilder::new().flexible(true).from_writer(file),
        };
        writer.write(columns)?;
        Ok(writer)
    }

    pub(super) fn write<T: AsRef<[u8]>>(
        &mut self,
        fields: impl IntoIterator<Item = T>,
    ) -> Result<(), LabError> {
        self.rows
            .write_record(fields)
            .map_err(LabError::file("write", &self.path))
    }

    pub(super) fn finish(mut self) -> Result<(), LabError> {
        self.rows
            .flush()
            .map_err(LabError::file("write", &self.path))
    }
}

/// Writer of a file of lines, whose errors name the file.
pub(super) struct LineWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl LineWriter {
    pub(super) fn create(path: &Path) -> Result<Self, LabError> {
        let file = File::create(path).map_err(LabError::file("create", path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    pub(super) fn write(&mut self, line: &str) -> Result<(), LabError> {
        writeln!(self.file, "{line}").map_err(LabError::file("write", &self.path))
    }

    pub(super) fn finish(mut self) -> Result<(), LabError> {
        self.file
            .flush()
            .map_err(LabError::file("write", &self.path))
    }
}
