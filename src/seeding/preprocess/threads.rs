use std::collections::HashMap;
use std::mem;

use super::pseudonyms::{Pseudonym, key};

/// Comments that one generation holds; two are held.
const GENERATION: usize = 100_000;

/// The posts that recent comments belong to, so that replies follow. Exports are in order of time, so the comment replied
/// to is hardly ever older than what is remembered.
#[derive(Default)]
pub(super) struct Threads {
    newer: HashMap<u128, Pseudonym>,
    older: HashMap<u128, Pseudonym>,
}

impl Threads {
    pub(super) fn post_of(&self, comment: &Pseudonym) -> Option<Pseudonym> {
        let comment = key(comment);
        self.newer
            .get(&comment)
            .or_else(|| self.older.get(&comment))
            .copied()
    }

    pub(super) fn remember(&mut self, comment: &Pseudonym, post: Pseudonym) {
        if self.newer.len() == GENERATION {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(key(comment), post);
    }
}
