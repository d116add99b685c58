//! What can be seen of a word at a time: everything for training, and apart by what it depends on for tagging.

use super::handle::Handle;
use super::hash::feature;
use super::templates::Sight;
use super::view::{Case, EDGE, View};
use super::word::{Spelling, Word};

/// Sees everything of one word of a sequence.
pub(super) struct Everything<'w, F> {
    pub(super) view: View<'w>,
    pub(super) spelling: &'w Spelling,
    pub(super) emit: F,
}

impl<F: FnMut(u32)> Sight for Everything<'_, F> {
    fn near(&mut self, template: u32, offset: isize, of: impl Fn(&Word) -> u64) {
        (self.emit)(feature(template, self.view.near(offset, of)));
    }

    fn spelled(&mut self, template: u32, of: impl Fn(&Spelling) -> Option<u64>) {
        if let Some(value) = of(self.spelling) {
            (self.emit)(feature(template, value));
        }
    }

    fn cased(&mut self, template: u32, of: impl Fn(&Word, Case) -> u64) {
        let value = of(self.view.word, self.view.case);
        (self.emit)(feature(template, value));
    }

    fn joint(&mut self, template: u32, of: impl Fn(&View<'_>) -> Option<u64>) {
        if let Some(value) = of(&self.view) {
            (self.emit)(feature(template, value));
        }
    }

    fn cased_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        of_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }

    fn joint_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        of_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }

    fn handle(&self) -> Option<Handle> {
        self.spelling.handle
    }
}

/// Sees what a word says whatever its case and neighbours: of itself, at offset 0, and of those from whom it stands at another.
pub(super) struct Alone<'w, F> {
    pub(super) word: &'w Word,
    pub(super) spelling: &'w Spelling,
    pub(super) emit: F,
}

impl<F: FnMut(isize, u32)> Sight for Alone<'_, F> {
    fn near(&mut self, template: u32, offset: isize, of: impl Fn(&Word) -> u64) {
        (self.emit)(offset, feature(template, of(self.word)));
    }

    fn spelled(&mut self, template: u32, of: impl Fn(&Spelling) -> Option<u64>) {
        if let Some(value) = of(self.spelling) {
            (self.emit)(0, feature(template, value));
        }
    }

    fn handle(&self) -> Option<Handle> {
        self.spelling.handle
    }
}

/// Sees what the end of a sequence says of the words from which it stands at an offset.
pub(super) struct Edge<F> {
    pub(super) emit: F,
}

impl<F: FnMut(isize, u32)> Sight for Edge<F> {
    fn near(&mut self, template: u32, offset: isize, _of: impl Fn(&Word) -> u64) {
        (self.emit)(offset, feature(template, EDGE));
    }
}

/// Sees what a word and its case say together.
pub(super) struct Cased<'w, F> {
    pub(super) word: &'w Word,
    pub(super) case: Case,
    pub(super) emit: F,
}

impl<F: FnMut(u32)> Sight for Cased<'_, F> {
    fn cased(&mut self, template: u32, of: impl Fn(&Word, Case) -> u64) {
        (self.emit)(feature(template, of(self.word, self.case)));
    }

    fn cased_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        of_lists(of(self.word), first, self.case, &mut self.emit);
    }
}

/// Sees what is left: what a word's neighbours say together.
pub(super) struct Joint<'w, F> {
    pub(super) view: View<'w>,
    pub(super) emit: F,
}

impl<F: FnMut(u32)> Sight for Joint<'_, F> {
    fn joint(&mut self, template: u32, of: impl Fn(&View<'_>) -> Option<u64>) {
        if let Some(value) = of(&self.view) {
            (self.emit)(feature(template, value));
        }
    }

    fn joint_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        of_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }
}

/// The features of a word of this case in `lists`, each under a template of its own, from `first` on.
fn of_lists(mut lists: u16, first: u32, case: Case, mut emit: impl FnMut(u32)) {
    while lists != 0 {
        emit(feature(first + lists.trailing_zeros(), case.value));
        lists &= lists - 1;
    }
}
