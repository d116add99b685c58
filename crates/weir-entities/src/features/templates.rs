//! Feature templates, told apart by what they depend on, so that features of one word are not computed again for each neighbour.

use crate::features::view::{Case, View};
use crate::features::word::{Spelling, Word};
use crate::gazetteers::LISTS;
use crate::tokenize::handle::Handle;

/// Numbers the templates in the order in which they are used; `S` decides which of them emit features.
pub(crate) struct Templates<S> {
    number: u32,
    visitor: S,
}

impl<S: FeatureVisitor> Templates<S> {
    pub(crate) fn new(visitor: S) -> Self {
        Self { number: 0, visitor }
    }

    /// A template of the word at `offset` alone.
    pub(crate) fn near(&mut self, offset: isize, of: impl Fn(&Word) -> u64) {
        self.number += 1;
        self.visitor.near(self.number, offset, of);
    }

    /// A template of how the word is spelled; of some words alone.
    pub(crate) fn spelled<V: Into<Option<u64>>>(&mut self, of: impl Fn(&Spelling) -> V) {
        self.number += 1;
        self.visitor
            .spelled(self.number, |spelling| of(spelling).into());
    }

    /// A template of the word and its case.
    pub(crate) fn cased(&mut self, of: impl Fn(&Word, Case) -> u64) {
        self.number += 1;
        self.visitor.cased(self.number, of);
    }

    /// A template of several words, or of what only others make of a word; in some places alone.
    pub(crate) fn joint<V: Into<Option<u64>>>(&mut self, of: impl Fn(&View<'_>) -> V) {
        self.number += 1;
        self.visitor.joint(self.number, |view| of(view).into());
    }

    /// A template for each list, of the case of a word that stands in it: those lists of the word itself.
    pub(crate) fn cased_lists(&mut self, of: impl Fn(&Word) -> u16) {
        self.visitor.cased_lists(self.number + 1, of);
        self.number += u32::from(LISTS);
    }

    /// The same for lists that a word stands in together with others.
    pub(crate) fn joint_lists(&mut self, of: impl Fn(&Word) -> u16) {
        self.visitor.joint_lists(self.number + 1, of);
        self.number += u32::from(LISTS);
    }

    /// The words of a handle, where they are looked at.
    pub(crate) fn handle(&self) -> Option<Handle> {
        self.visitor.handle()
    }

    /// The templates of `describe`, used again for each of `items`, of which there is at least one.
    pub(crate) fn each<T>(&mut self, items: &[T], describe: impl Fn(&mut Self, &T)) {
        let number = self.number;
        for item in items {
            self.number = number;
            describe(self, item);
        }
    }

    /// Goes on with the template after `number`, past those that are only some words'.
    pub(crate) fn go_on_after(&mut self, number: u32) {
        debug_assert!(self.number <= number, "{} templates", self.number);
        self.number = number;
    }
}

/// Which templates have features, and of what: those of a method that is left out have none.
pub(crate) trait FeatureVisitor {
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
