//! Tweets, one a line. Exports have no threads, so tweets are put in threads by chance.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::SeedingError;
use super::super::progress::{Bar, Counted};
use super::Job;
use super::pseudonyms::Pseudonym;
use super::repeats::{RepeatFinder, Repeats};
use super::report::{Reason, Report};
use super::shelf::Shelf;
use super::tweet::{Place, Tweet};
use crate::feed::Platform;

/// Chance that a tweet starts a thread.
const START_CHANCE: f64 = 0.3;
const MAX_LINE_BYTES: u64 = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn preprocess(job: &Job<'_>, path: &Path) -> Result<Report, SeedingError> {
    let repeats = repeats(job, path)?;
    write(job, path, repeats)
}

fn repeats(job: &Job<'_>, path: &Path) -> Result<Repeats, SeedingError> {
    let mut ids = RepeatFinder::new(job.spill_folder(), job.options.spill_bytes);
    let mut lines = Lines::open(job, path)?;
    while let Some((number, line)) = lines.next()? {
        if let Ok(tweet) = line.and_then(Tweet::of_line) {
            ids.note(&tweet.id, number).map_err(job.spilling())?;
        }
    }
    ids.repeats().map_err(job.spilling())
}

fn write(job: &Job<'_>, path: &Path, mut repeats: Repeats) -> Result<Report, SeedingError> {
    let mut report = Report::new(Platform::Twitter);
    let mut rng = ChaCha8Rng::seed_from_u64(job.options.seed);
    let mut threads = Threads(Shelf::new(job.spill_folder(), job.options.spill_bytes));
    let mut output = job.output(Platform::Twitter)?;
    let mut lines = Lines::open(job, path)?;
    while let Some((number, line)) = lines.next()? {
        let repeated = repeats.contains(number).map_err(job.spilling())?;
        match line.and_then(Tweet::of_line) {
            Err(reason) => report.drop(path, number, reason),
            Ok(_) if repeated => report.drop(path, number, Reason::Duplicate),
            Ok(tweet) => {
                let place = threads.place(tweet.id, &mut rng).map_err(job.spilling())?;
                let item = tweet.into_item(&job.names, &place, &mut rng);
                output.write(&item)?;
                report.keep(item.kind);
            }
        }
    }
    report.check_usable(path)?;
    output.finish()?;
    Ok(report)
}

/// The tweets so far, each with the first of its thread.
struct Threads(Shelf<64>);

impl Threads {
    /// The start of a thread, or a reply to any earlier tweet, which rules out cycles.
    fn place(&mut self, tweet: Pseudonym, rng: &mut ChaCha8Rng) -> io::Result<Place> {
        let starts = self.0.len() == 0 || rng.random_bool(START_CHANCE);
        let earlier = if starts {
            None
        } else {
            self.0.get(rng.random_range(0..self.0.len()))?
        };
        let (root, place) = match earlier
            .as_ref()
            .and_then(|record| record.split_first_chunk::<32>())
        {
            None => (tweet, Place::Start),
            Some((parent, root)) => {
                let root = root.try_into().unwrap_or(*parent);
                (
                    root,
                    Place::Reply {
                        root,
                        parent: *parent,
                    },
                )
            }
        };
        let mut record = [0; 64];
        record[..32].copy_from_slice(&tweet);
        record[32..].copy_from_slice(&root);
        self.0.push(record)?;
        Ok(place)
    }
}

/// A line's number, and the line or why it is left out.
type Line<'l> = (u64, Result<&'l [u8], Reason>);

/// Lines of bounded length, numbered from 1, empty ones passed over.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<Counted<File>>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    fn open(job: &Job<'_>, path: &'a Path) -> Result<Self, SeedingError> {
        let bar = Bar::of_file(job.progress, path)?;
        let file = File::open(path).map_err(SeedingError::file("read", path))?;
        Ok(Self {
            path,
            reader: BufReader::with_capacity(1 << 17, Counted::new(file, bar)),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line and its number; `None` at the end.
    fn next(&mut self) -> Result<Option<Line<'_>>, SeedingError> {
        loop {
            self.line.clear();
            self.number += 1;
            let length = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut self.line);
            let length = length.map_err(SeedingError::file("read", self.path))?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 == MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
                self.reader
                    .skip_until(b'\n')
                    .map_err(SeedingError::file("read", self.path))?;
                return Ok(Some((self.number, Err(Reason::LineTooLong))));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line.trim_ascii();
        let line = if self.number == 1 {
            line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
        } else {
            line
        };
        Ok(Some((self.number, Ok(line))))
    }
}
