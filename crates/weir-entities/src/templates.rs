//! Templates apart by what they look at, so that what a word says by itself need not be worked out beside each neighbour.

use super::gazetteers::LISTS;
use super::handle::Handle;
use super::view::{Case, View};
use super::word::{Spelling, Word};

/// Numbers the templates in the order they are used; which of them have features is for `S` to say.
pub(super) struct Templates<S> {
    number: u32,
    sight: S,
}

impl<S: Sight> Templates<S> {
    pub(super) fn new(sight: S) -> Self {
        Self { number: 0, sight }
    }

    /// A template of the word at `offset` alone.
    pub(super) fn near(&mut self, offset: isize, of: impl Fn(&Word) -> u64) {
        self.number += 1;
        self.sight.near(self.number, offset, of);
    }

    /// A template of how the word is spelled; of some words alone.
    pub(super) fn spelled<V: Into<Option<u64>>>(&mut self, of: impl Fn(&Spelling) -> V) {
        self.number += 1;
        self.sight
            .spelled(self.number, |spelling| of(spelling).into());
    }

    /// A template of the word and its case.
    pub(super) fn cased(&mut self, of: impl Fn(&Word, Case) -> u64) {
        self.number += 1;
        self.sight.cased(self.number, of);
    }

    /// A template of several words, or of what only others make of a word; in some places alone.
    pub(super) fn joint<V: Into<Option<u64>>>(&mut self, of: impl Fn(&View<'_>) -> V) {
        self.number += 1;
        self.sight.joint(self.number, |view| of(view).into());
    }

    /// A template for each list, of the case of a word that stands in it: those lists of the word itself.
    pub(super) fn cased_lists(&mut self, of: impl Fn(&Word) -> u16) {
        self.sight.cased_lists(self.number + 1, of);
        self.number += u32::from(LISTS);
    }

    /// The same for lists that a word stands in together with others.
    pub(super) fn joint_lists(&mut self, of: impl Fn(&Word) -> u16) {
        self.sight.joint_lists(self.number + 1, of);
        self.number += u32::from(LISTS);
    }

    /// The words of a handle, where they are looked at.
    pub(super) fn handle(&self) -> Option<Handle> {
        self.sight.handle()
    }

    /// The templates of `describe`, used again for each of `items`, of which there is at least one.
    pub(super) fn each<T>(&mut self, items: &[T], describe: impl Fn(&mut Self, &T)) {
        let number = self.number;
        for item in items {
            self.number = number;
            describe(self, item);
        }
    }

    /// Goes on with the template after `number`, past those that are only some words'.
    pub(super) fn go_on_after(&mut self, number: u32) {
        debug_assert!(self.number <= number, "{} templates", self.number);
        self.number = number;
    }
}

/// Which templates have features, and of what: those of a method that is left out have none.
pub(super) trait Sight {
    fn near(&mut self, _template: u32, _offset: isize, _of: impl Fn(&Word) -> u64) {}

    fn spelled(&mut self, _template: u32, _of: impl Fn(&Spelling) -> Option<u64>) {}

    fn cased(&mut self, _template: u32, _of: impl Fn(&Word, Case) -> u64) {}

    fn joint(&mut self, _template: u32, _of: impl Fn(&View<'_>) -> Option<u64>) {}

    fn cased_lists(&mut self, _first: u32, _of: impl Fn(&Word) -> u16) {}

    fn joint_lists(&mut self, _first: u32, _of: impl Fn(&Word) -> u16) {}

    fn handle(&self) -> Option<Handle> {
        None
    }
}
