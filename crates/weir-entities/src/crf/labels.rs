//! The label alphabet of the tagger: outside, and begin and inside for each kind.

use crate::EntityKind;

/// How many labels there are.
pub(crate) const LABELS: usize = 7;

/// Rows are padded to eight labels so that they fill a vector register.
pub(crate) const PADDED: usize = 8;

/// One label in the begin-inside-outside scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label(u8);

impl Label {
    pub(crate) const OUTSIDE: Self = Self(0);

    pub(crate) fn begin(kind: EntityKind) -> Self {
        Self(1 + 2 * kind as u8)
    }

    pub(crate) fn inside(kind: EntityKind) -> Self {
        Self(2 + 2 * kind as u8)
    }

    /// The label of an index below [`LABELS`]; the lattice produces no others.
    pub(crate) fn from_index(index: usize) -> Self {
        debug_assert!(index < LABELS);
        Self(u8::try_from(index).unwrap_or(0))
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn kind(self) -> Option<EntityKind> {
        (self.0 > 0).then(|| EntityKind::ALL[usize::from(self.0 - 1) / 2])
    }

    pub(crate) fn is_inside(self) -> bool {
        self.0 > 0 && self.0.is_multiple_of(2)
    }

    /// Whether `self` may stand right before `next`: an inside label continues its own kind only.
    pub(crate) fn may_precede(self, next: Self) -> bool {
        !next.is_inside() || self.kind() == next.kind()
    }
}

/// A labelled stretch of tokens, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: EntityKind,
}

/// The spans of a well-formed label sequence, in order.
pub(crate) fn spans(labels: &[Label]) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < labels.len() && labels[at].kind().is_none() {
            at += 1;
        }
        let kind = labels.get(at)?.kind()?;
        let start = at;
        at += 1;
        while at < labels.len() && labels[at] == Label::inside(kind) {
            at += 1;
        }
        Some(Span {
            start,
            end: at,
            kind,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_entities_of_one_kind_are_two_spans() {
        let begin = Label::begin(EntityKind::Place);
        let inside = Label::inside(EntityKind::Place);
        let found: Vec<_> = spans(&[begin, inside, begin, Label::OUTSIDE])
            .map(|s| (s.start, s.end))
            .collect();
        assert_eq!(found, [(0, 2), (2, 3)]);
    }

    #[test]
    fn an_inside_label_follows_only_its_own_kind() {
        let inside = Label::inside(EntityKind::Person);
        assert!(Label::begin(EntityKind::Person).may_precede(inside));
        assert!(!Label::begin(EntityKind::Place).may_precede(inside));
        assert!(!Label::OUTSIDE.may_precede(inside));
    }
}
