//! Strict evaluation: a span counts if its tokens and its kind are exactly those of the annotation.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::EntityKind;
use crate::crf::labels::{Span, spans};
use crate::crf::{Model, Tagging};
use crate::tokenize::TokenKind;
use crate::training::conll::Corpus;

/// How a test text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Casing {
    /// As in the corpus.
    AsWritten,
    /// all lower case
    Lower,
    /// ALL UPPER CASE
    Upper,
}

impl Casing {
    /// Every casing.
    pub const ALL: [Self; 3] = [Self::AsWritten, Self::Lower, Self::Upper];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Lower => "lower",
            Self::Upper => "upper",
        }
    }

    /// `token` in this casing.
    pub(crate) fn apply(self, token: &str) -> Cow<'_, str> {
        match self {
            Self::AsWritten => Cow::Borrowed(token),
            Self::Lower => Cow::Owned(token.to_lowercase()),
            Self::Upper => Cow::Owned(token.to_uppercase()),
        }
    }
}

/// Which spans a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Every span of the annotation.
    AsAnnotated,
    /// Spans that are handles are ignored, in the annotation and in what was found.
    HandlesLeftOut,
}

impl Reading {
    /// Every reading.
    pub const ALL: [Self; 2] = [Self::AsAnnotated, Self::HandlesLeftOut];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsAnnotated => "As annotated",
            Self::HandlesLeftOut => "Handles left out",
        }
    }

    fn counts(self, span: Span, tokens: &[String]) -> bool {
        self == Self::AsAnnotated
            || tokens[span.start..span.end]
                .iter()
                .any(|token| TokenKind::of(token) != TokenKind::Mention)
    }
}

/// Spans found and missed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Annotated spans that were found.
    pub correct: usize,
    /// Spans found.
    pub found: usize,
    /// Spans annotated.
    pub annotated: usize,
}

impl Score {
    /// The share of found spans that are annotated; 0 if none was found.
    pub fn precision(self) -> f64 {
        ratio(self.correct, self.found)
    }

    /// The share of annotated spans that were found.
    pub fn recall(self) -> f64 {
        ratio(self.correct, self.annotated)
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        ratio(2 * self.correct, self.found + self.annotated)
    }

    fn add(
        &mut self,
        found: &HashSet<Span>,
        annotated: &HashSet<Span>,
        wanted: impl Fn(EntityKind) -> bool,
    ) {
        let count =
            |spans: &mut dyn Iterator<Item = &Span>| spans.filter(|span| wanted(span.kind)).count();
        self.correct += count(&mut found.intersection(annotated));
        self.found += count(&mut found.iter());
        self.annotated += count(&mut annotated.iter());
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// The scores of a model on one corpus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Over all kinds.
    pub all: Score,
    /// Per kind, in the order of [`EntityKind::ALL`].
    pub kinds: [Score; 3],
}

impl Evaluation {
    /// Evaluates `model` on the spans of `corpus` that `reading` counts, written in `casing`.
    pub fn of(model: &Model, corpus: &Corpus, casing: Casing, reading: Reading) -> Self {
        let mut evaluation = Self::default();
        let mut tagging = Tagging::default();
        for sentence in &corpus.sentences {
            let tokens: Vec<_> = sentence
                .tokens
                .iter()
                .map(|token| casing.apply(token))
                .collect();
            model.tag(&tokens, &mut tagging);
            let counted = |labels| {
                spans(labels)
                    .filter(|&span| reading.counts(span, &sentence.tokens))
                    .collect()
            };
            let found = counted(&tagging.labels);
            let annotated = counted(&sentence.labels);
            evaluation.all.add(&found, &annotated, |_| true);
            for (score, kind) in evaluation.kinds.iter_mut().zip(EntityKind::ALL) {
                score.add(&found, &annotated, |other| other == kind);
            }
        }
        evaluation
    }
}
