//! Posts and comments of a Reddit table. A comment without a link gets a random post.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use weir_feed::{ItemKind, Platform};

use super::Context;
use super::content::{Pseudonym, Pseudonyms, hex, key};
use super::reddit_entry::{COLUMNS, Link, OPTIONAL_COLUMNS, RedditEntry};
use crate::input::Table;
use crate::spill::{Duplicates, SpillVec};
use crate::{DropReason, InputReport, LabError};

/// Maximum number of comments in a generation of [`RecentComments`].
const GENERATION_SIZE: usize = 100_000;

pub(super) fn preprocess(context: &Context<'_>, path: &Path) -> Result<InputReport, LabError> {
    let (duplicates, posts) = scan(context, path)?;
    let mut linker = Linker {
        posts,
        comments: RecentComments::default(),
        rng: ChaCha8Rng::seed_from_u64(context.options.seed),
    };
    write(context, path, duplicates, &mut linker)
}

/// Finds the duplicates and the posts in a first pass.
fn scan(context: &Context<'_>, path: &Path) -> Result<(Duplicates, SpillVec<32>), LabError> {
    let mut table = Table::open(path, &COLUMNS, &OPTIONAL_COLUMNS, context.progress)?;
    let (mut ids, mut posts) = (context.duplicate_finder(), context.spill_vec());
    while let Some(row) = table.next()? {
        let Ok(entry) = RedditEntry::from_row(&row) else {
            continue;
        };
        let id = Pseudonyms::id(entry.id);
        ids.add(key(&id), row.line).map_err(context.spill_error())?;
        if entry.kind == ItemKind::Post {
            posts.push(id).map_err(context.spill_error())?;
        }
    }
    Ok((ids.finish().map_err(context.spill_error())?, posts))
}

fn write(
    context: &Context<'_>,
    path: &Path,
    mut duplicates: Duplicates,
    linker: &mut Linker,
) -> Result<InputReport, LabError> {
    let mut report = InputReport::new(Platform::Reddit);
    let mut table = Table::open(path, &COLUMNS, &OPTIONAL_COLUMNS, context.progress)?;
    let mut output = context.output(Platform::Reddit)?;
    while let Some(row) = table.next()? {
        let is_duplicate = duplicates
            .contains(row.line)
            .map_err(context.spill_error())?;
        match RedditEntry::from_row(&row) {
            Err(reason) => report.drop(path, row.line, reason),
            Ok(_) if is_duplicate => report.drop(path, row.line, DropReason::Duplicate),
            Ok(entry) => {
                let post = match entry.kind {
                    ItemKind::Post => None,
                    ItemKind::Comment => linker.post_of(&entry).map_err(context.spill_error())?,
                };
                let post = post.as_ref().map(|post| hex(post));
                output.write(&entry.into_item(&context.pseudonyms, post))?;
                report.keep(entry.kind);
            }
        }
    }
    report.check_usable(path)?;
    output.finish()?;
    Ok(report)
}

/// Finder of the post that a comment belongs to.
struct Linker {
    posts: SpillVec<32>,
    comments: RecentComments,
    rng: ChaCha8Rng,
}

impl Linker {
    /// Returns the linked post, the post of the comment replied to, or a random post; `None` only if there are no posts.
    fn post_of(&mut self, comment: &RedditEntry<'_>) -> io::Result<Option<Pseudonym>> {
        let post = match comment.link {
            Link::Post(id) => Some(Pseudonyms::id(id)),
            Link::Comment(id) => self.comments.post_of(&Pseudonyms::id(id)),
            Link::None => None,
        };
        let post = match post {
            None if self.posts.len() > 0 => {
                self.posts.get(self.rng.random_range(0..self.posts.len()))?
            }
            known => known,
        };
        if let Some(post) = post {
            self.comments.insert(&Pseudonyms::id(comment.id), post);
        }
        Ok(post)
    }
}

/// Posts of recent comments, so that a reply gets the post of the comment it replies to.
///
/// Exports are in chronological order, so the comment replied to is hardly ever older than the two generations.
#[derive(Default)]
struct RecentComments {
    newer: HashMap<u128, Pseudonym>,
    older: HashMap<u128, Pseudonym>,
}

impl RecentComments {
    fn post_of(&self, comment: &Pseudonym) -> Option<Pseudonym> {
        let comment = key(comment);
        let post = self.newer.get(&comment);
        post.or_else(|| self.older.get(&comment)).copied()
    }

    fn insert(&mut self, comment: &Pseudonym, post: Pseudonym) {
        if self.newer.len() == GENERATION_SIZE {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(key(comment), post);
    }
}
