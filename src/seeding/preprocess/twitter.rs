//! Tweets, one a line. Exports have no threads, so tweets are put in threads by chance.

use std::io;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::SeedingError;
use super::Job;
use super::lines::Lines;
use super::pseudonyms::{Pseudonym, key};
use super::repeats::{RepeatFinder, Repeats};
use super::report::{Reason, Report};
use super::shelf::Shelf;
use super::tweet::{Place, Tweet};
use weir_feed::Platform;

/// Chance that a tweet starts a thread.
const START_CHANCE: f64 = 0.3;

pub(super) fn preprocess(job: &Job<'_>, path: &Path) -> Result<Report, SeedingError> {
    let repeats = repeats(job, path)?;
    write(job, path, repeats)
}

fn repeats(job: &Job<'_>, path: &Path) -> Result<Repeats, SeedingError> {
    let mut ids = RepeatFinder::new(job.spill_folder(), job.options.spill_bytes);
    let mut lines = Lines::open(path, job.progress)?;
    while let Some((number, line)) = lines.next()? {
        if let Ok(tweet) = line.and_then(Tweet::of_line) {
            ids.note(key(&tweet.id), number).map_err(job.spilling())?;
        }
    }
    ids.repeats().map_err(job.spilling())
}

fn write(job: &Job<'_>, path: &Path, mut repeats: Repeats) -> Result<Report, SeedingError> {
    let mut report = Report::new(Platform::Twitter);
    let mut rng = ChaCha8Rng::seed_from_u64(job.options.seed);
    let mut threads = Threads(Shelf::new(job.spill_folder(), job.options.spill_bytes));
    let mut output = job.output(Platform::Twitter)?;
    let mut lines = Lines::open(path, job.progress)?;
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
