//! The feature templates. A feature is 32 bits of hash; no string is ever formatted.

use super::gazetteers::LISTS;
use super::hash::{feature, pair};
use super::words::{Register, Word, Words};

/// What stands before the first and after the last word.
const EDGE: u64 = 0x5b1d;

/// The lengths of the cluster paths used, in bits.
const PATHS: [u32; 4] = [4, 6, 8, 10];

/// Calls `emit` with every feature of the word at `at`.
pub(super) fn features(words: &Words, register: Register, at: usize, emit: impl FnMut(u32)) {
    let view = View::new(&words.list, register, at);
    let mut templates = Templates { number: 0, emit };
    templates.add(0);
    view.words(&mut templates);
    view.shapes(&mut templates);
    view.capitals(&mut templates);
    view.affixes(&mut templates);
    view.clusters(&mut templates);
    view.tags(&mut templates);
    view.names(&mut templates);
    if let Some(handle) = words.handle(at) {
        view.handle(handle, &mut templates);
    }
}

/// Numbers the templates in the order they are used.
pub(super) struct Templates<F> {
    number: u32,
    emit: F,
}

impl<F: FnMut(u32)> Templates<F> {
    pub(super) fn add(&mut self, value: u64) {
        self.number += 1;
        (self.emit)(feature(self.number, value));
    }

    /// The templates of `describe`, used again for each of `items`, of which there is at least one.
    pub(super) fn add_each<T>(&mut self, items: &[T], describe: impl Fn(&mut Self, &T)) {
        let number = self.number;
        for item in items {
            self.number = number;
            describe(self, item);
        }
    }

    /// One feature per set bit, each a template of its own.
    pub(super) fn add_bits(&mut self, bits: u16, value: u64) {
        for bit in 0..LISTS {
            self.number += 1;
            if bits >> bit & 1 == 1 {
                (self.emit)(feature(self.number, value));
            }
        }
    }
}

/// A word among its neighbours.
pub(super) struct View<'w> {
    pub(super) words: &'w [Word],
    pub(super) at: usize,
    pub(super) word: &'w Word,
    register: u64,
    /// How the word is capitalised, in what text, and whether it had to be.
    case: u64,
}

impl<'w> View<'w> {
    fn new(words: &'w [Word], register: Register, at: usize) -> Self {
        let word = &words[at];
        let register = register as u64;
        let case = pair(
            word.capitals as u64 + 8 * u64::from(word.starts_sentence),
            register,
        );
        Self {
            words,
            at,
            word,
            register,
            case,
        }
    }

    /// What `of` sees in the neighbour at `offset`.
    pub(super) fn near(&self, offset: isize, of: impl Fn(&Word) -> u64) -> u64 {
        self.at
            .checked_add_signed(offset)
            .and_then(|at| self.words.get(at))
            .map_or(EDGE, of)
    }

    fn words(&self, out: &mut Templates<impl FnMut(u32)>) {
        let lower = |word: &Word| word.lower;
        let [before2, before, here, after, after2] =
            [-2, -1, 0, 1, 2].map(|offset| self.near(offset, lower));
        out.add(self.word.exact);
        for word in [before2, before, here, after, after2] {
            out.add(word);
        }
        out.add(pair(before, here));
        out.add(pair(here, after));
        out.add(pair(before, after));
        out.add(pair(before2, before));
        out.add(pair(after, after2));
        out.add(pair(self.case, before));
        out.add(pair(self.case, after));
    }

    fn shapes(&self, out: &mut Templates<impl FnMut(u32)>) {
        let shape = |word: &Word| pair(word.shape, word.kind as u64);
        let kind = |word: &Word| word.kind as u64;
        out.add(pair(shape(self.word), self.register));
        out.add(pair(
            self.near(-1, shape),
            pair(shape(self.word), self.near(1, shape)),
        ));
        out.add(pair(kind(self.word), self.near(-1, kind)));
    }

    fn capitals(&self, out: &mut Templates<impl FnMut(u32)>) {
        let capitals = |word: &Word| word.capitals as u64;
        let usual = |word: &Word| u64::from(word.entry.casing);
        let known =
            |word: &Word| u64::from(word.entry.casing) + 8 * u64::from(word.entry.frequency);
        let (before, after) = (self.near(-1, capitals), self.near(1, capitals));
        out.add(self.case);
        out.add(pair(self.case, before));
        out.add(pair(self.case, after));
        out.add(pair(self.case, pair(before, after)));
        out.add(pair(self.case, known(self.word)));
        out.add(pair(self.case, usual(self.word)));
        out.add(pair(self.near(-1, known), self.near(1, known)));
        out.add(pair(
            usual(self.word),
            pair(self.near(-1, usual), self.near(1, usual)),
        ));
    }

    fn affixes(&self, out: &mut Templates<impl FnMut(u32)>) {
        let ending = |word: &Word| word.suffixes[2];
        for affix in self.word.prefixes.into_iter().chain(self.word.suffixes) {
            out.add(affix);
        }
        out.add(pair(ending(self.word), self.case));
        out.add(self.near(-1, ending));
        out.add(self.near(1, ending));
    }

    fn clusters(&self, out: &mut Templates<impl FnMut(u32)>) {
        let cluster = |word: &Word| u64::from(word.cluster());
        let [before2, before, here, after, after2] =
            [-2, -1, 0, 1, 2].map(|offset| self.near(offset, cluster));
        for cluster in [before2, before, here, after, after2] {
            out.add(cluster);
        }
        for bits in PATHS {
            let path = |word: &Word| u64::from(word.cluster() & ((1 << bits) - 1)) + 1;
            for offset in -1..=1 {
                out.add(self.near(offset, path));
            }
            out.add(pair(path(self.word), self.case));
        }
        out.add(pair(here, self.case));
        out.add(pair(before, here));
        out.add(pair(here, after));
        out.add(pair(before, after));
        out.add(u64::from(self.word.entry.lower_cluster));
        out.add(u64::from(self.word.entry.upper_cluster));
    }

    fn tags(&self, out: &mut Templates<impl FnMut(u32)>) {
        let tag = |word: &Word| u64::from(word.entry.tag);
        let [before2, before, here, after, after2] =
            [-2, -1, 0, 1, 2].map(|offset| self.near(offset, tag));
        out.add(here);
        out.add(pair(here, self.case));
        out.add(before);
        out.add(after);
        out.add(pair(before, here));
        out.add(pair(here, after));
        out.add(pair(before, pair(here, after)));
        out.add(pair(before2, before));
        out.add(pair(after, after2));
    }

    fn names(&self, out: &mut Templates<impl FnMut(u32)>) {
        let lists = |word: &Word| u64::from(word.entry.lists & ((1 << LISTS) - 1));
        let name = |word: &Word| u64::from(word.begins) + (u64::from(word.inside) << 16);
        let (before, here, after) = (self.near(-1, lists), lists(self.word), self.near(1, lists));
        out.add(here);
        out.add(before);
        out.add(after);
        out.add(pair(here, self.case));
        out.add(pair(before, here));
        out.add(pair(here, after));
        out.add(name(self.word));
        out.add(pair(name(self.word), self.case));
        out.add(pair(name(self.word), here));
        out.add(self.near(1, name));
        out.add(self.near(-1, name));
        out.add_bits(self.word.entry.lists, self.case);
        out.add_bits(self.word.begins, self.case);
        out.add_bits(self.word.inside, self.case);
    }
}
