//! A word as templates see it: among its neighbours, and in its case.

use crate::features::sequence::Register;
use crate::features::word::Word;
use crate::hash::pair;

/// What stands before the first and after the last word.
pub(crate) const EDGE: u64 = 0x5b1d;

/// How a word is capitalised, in what text, and whether it had to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) register: u64,
    pub(crate) value: u64,
}

impl Case {
    pub(crate) fn of(word: &Word, register: Register) -> Self {
        let register = register as u64;
        let capitals = word.capitals as u64 + 8 * u64::from(word.starts_sentence);
        Self {
            register,
            value: pair(capitals, register),
        }
    }
}

/// A word among its neighbours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'w> {
    pub(crate) words: &'w [Word],
    pub(crate) at: usize,
    pub(crate) word: &'w Word,
    pub(crate) case: Case,
}

impl<'w> View<'w> {
    pub(crate) fn new(words: &'w [Word], register: Register, at: usize) -> Self {
        let word = &words[at];
        Self {
            words,
            at,
            word,
            case: Case::of(word, register),
        }
    }

    /// What `of` sees in the neighbour at `offset`.
    pub(crate) fn near(&self, offset: isize, of: impl Fn(&Word) -> u64) -> u64 {
        self.at
            .checked_add_signed(offset)
            .and_then(|at| self.words.get(at))
            .map_or(EDGE, of)
    }
}
