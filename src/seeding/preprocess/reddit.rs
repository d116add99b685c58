//! Posts and comments of one table. A comment without a link is put under a post by chance.

use std::io;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::SeedingError;
use super::Job;
use super::pseudonyms::{Pseudonym, Pseudonyms, hex, key};
use super::reddit_entry::{COLUMNS, Link, OPTIONAL_COLUMNS, RedditEntry};
use super::repeats::{RepeatFinder, Repeats};
use super::report::{Reason, Report};
use super::shelf::Shelf;
use super::table::Table;
use super::threads::Threads;
use weir_feed::{ItemKind, Platform};

pub(super) fn preprocess(job: &Job<'_>, path: &Path) -> Result<Report, SeedingError> {
    let (repeats, posts) = survey(job, path)?;
    let mut linker = Linker {
        posts,
        threads: Threads::default(),
        rng: ChaCha8Rng::seed_from_u64(job.options.seed),
    };
    write(job, path, repeats, &mut linker)
}

/// A first reading: which lines repeat an id, and what posts there are.
fn survey(job: &Job<'_>, path: &Path) -> Result<(Repeats, Shelf<32>), SeedingError> {
    let (folder, bytes) = (job.spill_folder(), job.options.spill_bytes);
    let mut table = Table::open(path, &COLUMNS, &OPTIONAL_COLUMNS, job.progress)?;
    let (mut ids, mut posts) = (RepeatFinder::new(folder, bytes), Shelf::new(folder, bytes));
    while let Some(row) = table.next()? {
        let Ok(entry) = RedditEntry::of_row(&row) else {
            continue;
        };
        let id = Pseudonyms::id(entry.id);
        ids.note(key(&id), row.line).map_err(job.spilling())?;
        if entry.kind == ItemKind::Post {
            posts.push(id).map_err(job.spilling())?;
        }
    }
    Ok((ids.repeats().map_err(job.spilling())?, posts))
}

fn write(
    job: &Job<'_>,
    path: &Path,
    mut repeats: Repeats,
    linker: &mut Linker,
) -> Result<Report, SeedingError> {
    let mut report = Report::new(Platform::Reddit);
    let mut table = Table::open(path, &COLUMNS, &OPTIONAL_COLUMNS, job.progress)?;
    let mut output = job.output(Platform::Reddit)?;
    while let Some(row) = table.next()? {
        let repeated = repeats.contains(row.line).map_err(job.spilling())?;
        match RedditEntry::of_row(&row) {
            Err(reason) => report.drop(path, row.line, reason),
            Ok(_) if repeated => report.drop(path, row.line, Reason::Duplicate),
            Ok(entry) => {
                let post = match entry.kind {
                    ItemKind::Post => None,
                    ItemKind::Comment => linker.post_of(&entry).map_err(job.spilling())?,
                };
                output.write(&entry.into_item(&job.names, post.as_ref().map(|post| hex(post))))?;
                report.keep(entry.kind);
            }
        }
    }
    report.check_usable(path)?;
    output.finish()?;
    Ok(report)
}

/// Finds the post that a comment belongs to.
struct Linker {
    posts: Shelf<32>,
    threads: Threads,
    rng: ChaCha8Rng,
}

impl Linker {
    /// As the data says, as for the comment replied to, or by chance; `None` only where there are no posts.
    fn post_of(&mut self, comment: &RedditEntry<'_>) -> io::Result<Option<Pseudonym>> {
        let post = match comment.link {
            Link::Post(id) => Some(Pseudonyms::id(id)),
            Link::Comment(id) => self.threads.post_of(&Pseudonyms::id(id)),
            Link::None => None,
        };
        let post = match post {
            None if self.posts.len() > 0 => {
                self.posts.get(self.rng.random_range(0..self.posts.len()))?
            }
            known => known,
        };
        if let Some(post) = post {
            self.threads.remember(&Pseudonyms::id(comment.id), post);
        }
        Ok(post)
    }
}
