//! Tweets, one per line. Exports have no threads, so tweets are put in random threads.

use std::io;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weir_feed::Platform;

use super::Context;
use super::content::{Pseudonym, key};
use super::tweet::{ThreadPosition, Tweet};
use crate::input::Lines;
use crate::spill::{Duplicates, SpillVec};
use crate::{DropReason, InputReport, LabError};

/// Probability that a tweet starts a thread.
const ROOT_PROBABILITY: f64 = 0.3;

pub(super) fn preprocess(context: &Context<'_>, path: &Path) -> Result<InputReport, LabError> {
    let duplicates = find_duplicates(context, path)?;
    write(context, path, duplicates)
}

fn find_duplicates(context: &Context<'_>, path: &Path) -> Result<Duplicates, LabError> {
    let mut ids = context.duplicate_finder();
    let mut lines = Lines::open(path, context.progress)?;
    while let Some((number, line)) = lines.next()? {
        if let Ok(tweet) = line.and_then(Tweet::from_line) {
            ids.add(key(&tweet.id), number)
                .map_err(context.spill_error())?;
        }
    }
    ids.finish().map_err(context.spill_error())
}

fn write(
    context: &Context<'_>,
    path: &Path,
    mut duplicates: Duplicates,
) -> Result<InputReport, LabError> {
    let mut report = InputReport::new(Platform::Twitter);
    let mut rng = ChaCha8Rng::seed_from_u64(context.options.seed);
    let mut threads = Threads(context.spill_vec());
    let mut output = context.output(Platform::Twitter)?;
    let mut lines = Lines::open(path, context.progress)?;
    while let Some((number, line)) = lines.next()? {
        let is_duplicate = duplicates.contains(number).map_err(context.spill_error())?;
        match line.and_then(Tweet::from_line) {
            Err(reason) => report.drop(path, number, reason),
            Ok(_) if is_duplicate => report.drop(path, number, DropReason::Duplicate),
            Ok(tweet) => {
                let position = threads
                    .add(tweet.id, &mut rng)
                    .map_err(context.spill_error())?;
                let item = tweet.into_item(&context.pseudonyms, &position, &mut rng);
                output.write(&item)?;
                report.keep(item.kind);
            }
        }
    }
    report.check_usable(path)?;
    output.finish()?;
    Ok(report)
}

/// Tweets so far, each with the root of its thread.
struct Threads(SpillVec<64>);

impl Threads {
    /// Makes the tweet the root of a thread, or a reply to any earlier tweet, which rules out cycles.
    fn add(&mut self, tweet: Pseudonym, rng: &mut ChaCha8Rng) -> io::Result<ThreadPosition> {
        let is_root = self.0.len() == 0 || rng.random_bool(ROOT_PROBABILITY);
        let earlier = if is_root {
            None
        } else {
            self.0.get(rng.random_range(0..self.0.len()))?
        };
        let (root, position) = match earlier
            .as_ref()
            .and_then(|record| record.split_first_chunk::<32>())
        {
            None => (tweet, ThreadPosition::Root),
            Some((&parent, root)) => {
                let root = root.try_into().unwrap_or(parent);
                (root, ThreadPosition::Reply { root, parent })
            }
        };
        let mut record = [0; 64];
        record[..32].copy_from_slice(&tweet);
        record[32..].copy_from_slice(&root);
        self.0.push(record)?;
        Ok(position)
    }
}
