//! Visitors of the feature templates: all features for training, and for tagging those that depend on the same things.

use crate::features::templates::FeatureVisitor;
use crate::features::view::{Case, EDGE, View};
use crate::features::word::{Spelling, Word};
use crate::hash::feature;
use crate::tokenize::handle::Handle;

/// All features of one word of a sequence.
pub(crate) struct AllFeatures<'w, F> {
    pub(crate) view: View<'w>,
    pub(crate) spelling: &'w Spelling,
    pub(crate) emit: F,
}

impl<F: FnMut(u32)> FeatureVisitor for AllFeatures<'_, F> {
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
        emit_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }

    fn joint_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        emit_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }

    fn handle(&self) -> Option<Handle> {
        self.spelling.handle
    }
}

/// Features that depend on one word alone: its own, at offset 0, and those of the words that it is a neighbour of.
pub(crate) struct UnigramFeatures<'w, F> {
    pub(crate) word: &'w Word,
    pub(crate) spelling: &'w Spelling,
    pub(crate) emit: F,
}

impl<F: FnMut(isize, u32)> FeatureVisitor for UnigramFeatures<'_, F> {
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

/// Features that the boundary of a sequence gives to the words near it.
pub(crate) struct BoundaryFeatures<F> {
    pub(crate) emit: F,
}

impl<F: FnMut(isize, u32)> FeatureVisitor for BoundaryFeatures<F> {
    fn near(&mut self, template: u32, offset: isize, _of: impl Fn(&Word) -> u64) {
        (self.emit)(offset, feature(template, EDGE));
    }
}

/// Features of a word together with its case.
pub(crate) struct CaseFeatures<'w, F> {
    pub(crate) word: &'w Word,
    pub(crate) case: Case,
    pub(crate) emit: F,
}

impl<F: FnMut(u32)> FeatureVisitor for CaseFeatures<'_, F> {
    fn cased(&mut self, template: u32, of: impl Fn(&Word, Case) -> u64) {
        (self.emit)(feature(template, of(self.word, self.case)));
    }

    fn cased_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        emit_lists(of(self.word), first, self.case, &mut self.emit);
    }
}

/// The remaining features, of several neighbours together.
pub(crate) struct ContextFeatures<'w, F> {
    pub(crate) view: View<'w>,
    pub(crate) emit: F,
}

impl<F: FnMut(u32)> FeatureVisitor for ContextFeatures<'_, F> {
    fn joint(&mut self, template: u32, of: impl Fn(&View<'_>) -> Option<u64>) {
        if let Some(value) = of(&self.view) {
            (self.emit)(feature(template, value));
        }
    }

    fn joint_lists(&mut self, first: u32, of: impl Fn(&Word) -> u16) {
        emit_lists(of(self.view.word), first, self.view.case, &mut self.emit);
    }
}

/// Emits a feature for each of `lists` that a word of this case is in, with templates counted from `first`.
fn emit_lists(mut lists: u16, first: u32, case: Case, mut emit: impl FnMut(u32)) {
    while lists != 0 {
        emit(feature(first + lists.trailing_zeros(), case.value));
        lists &= lists - 1;
    }
}
