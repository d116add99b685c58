//! A word as templates see it: among its neighbours, and in its case.

use super::hash::pair;
use super::word::Word;
use super::words::Register;

/// What stands before the first and after the last word.
pub(super) const EDGE: u64 = 0x5b1d;

/// How a word is capitalised, in what text, and whether it had to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) register: u64,
    pub(super) value: u64,
}

impl Case {
    pub(super) fn of(word: &Word, register: Register) -> Self {
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
pub(super) struct View<'w> {
    pub(super) words: &'w [Word],
    pub(super) at: usize,
    pub(super) word: &'w Word,
    pub(super) case: Case,
}

impl<'w> View<'w> {
    pub(super) fn new(words: &'w [Word], register: Register, at: usize) -> Self {
        let word = &words[at];
        Self {
            words,
            at,
            word,
            case: Case::of(word, register),
        }
    }

    /// What `of` sees in the neighbour at `offset`.
    pub(super) fn near(&self, offset: isize, of: impl Fn(&Word) -> u64) -> u64 {
        self.at
            .checked_add_signed(offset)
            .and_then(|at| self.words.get(at))
            .map_or(EDGE, of)
    }
}
