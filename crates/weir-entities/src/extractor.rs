use std::ops::Range;
use std::sync::LazyLock;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::Entity;
use crate::crf::labels::{Span, spans};
use crate::crf::lattice::Lattice;
use crate::crf::{Model, ModelError, Tagging};
use crate::tokenize::{Token, tokenize};

static BUNDLED: LazyLock<Extractor> = LazyLock::new(|| {
    Extractor::read(include_bytes!("../models/entities.crf"))
        .unwrap_or_else(|error| unreachable!("the compiled-in model: {error}"))
});

/// Changes with every release: what the code around the model does may have changed as well.
const CODE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The longest sequence tagged at once, in tokens; a longer line is cut, at the end of a sentence if it has one.
const MAX_TOKENS: usize = 256;

/// Finds named entities. Shared freely between threads; each brings its own [`Scratch`].
#[derive(Debug)]
pub struct Extractor {
    model: Model,
    fingerprint: u64,
}

/// Buffers that one thread uses again for each text.
#[derive(Debug, Default)]
pub struct Scratch {
    tokens: Vec<Token>,
    tagging: Tagging,
    lattice: Lattice,
}

impl Extractor {
    /// The extractor with the model compiled into the binary, built at the first call.
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// An extractor with the model of a file's `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::read(bytes)?,
            fingerprint: xxh3_64_with_seed(bytes, xxh3_64(CODE_VERSION.as_bytes())),
        })
    }

    /// The same for extractors that find the same: made of the model's bytes and the version of the code.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The model behind it.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The entities of `text`, in order and without overlap.
    ///
    /// Linear in the length of the text, whatever it holds.
    pub fn entities<'t>(&self, text: &'t str, scratch: &mut Scratch) -> Vec<Entity<'t>> {
        let mut found = Vec::new();
        self.each_sequence(text, scratch, |tokens, tagging, lattice| {
            let mut filled = false;
            for span in spans(&tagging.labels) {
                if !std::mem::replace(&mut filled, true) {
                    lattice.fill(&tagging.scores, &self.model.transitions);
                }
                found.push(entity(text, tokens, span, lattice.span_probability(span)));
            }
        });
        found
    }

    /// The texts of the entities of `text`, where nothing else of them is wanted: confidences are not worked out.
    pub fn names<'t>(&self, text: &'t str, scratch: &mut Scratch) -> Vec<&'t str> {
        let mut found = Vec::new();
        self.each_sequence(text, scratch, |tokens, tagging, _| {
            let names = spans(&tagging.labels).map(|span| &text[range(tokens, span)]);
            found.extend(names);
        });
        found
    }

    fn each_sequence(
        &self,
        text: &str,
        scratch: &mut Scratch,
        mut visit: impl FnMut(&[Token], &Tagging, &mut Lattice),
    ) {
        let Scratch {
            tokens,
            tagging,
            lattice,
        } = scratch;
        tokenize(text, tokens);
        let mut rest = tokens.as_slice();
        while !rest.is_empty() {
            let (sequence, after) = rest.split_at(sequence_len(text, rest));
            let words = sequence.iter().map(|token| &text[token.start..token.end]);
            self.model.tag(&words.collect::<Vec<_>>(), tagging);
            visit(sequence, tagging, lattice);
            rest = after;
        }
    }
}

fn entity<'t>(text: &'t str, tokens: &[Token], span: Span, confidence: f32) -> Entity<'t> {
    let Range { start, end } = range(tokens, span);
    Entity {
        text: &text[start..end],
        kind: span.kind,
        start,
        end,
        confidence,
    }
}

/// The bytes of a span.
fn range(tokens: &[Token], span: Span) -> Range<usize> {
    tokens[span.start].start..tokens[span.end - 1].end
}

/// How many of `tokens` make the next sequence: a line, or a part of a long one.
fn sequence_len(text: &str, tokens: &[Token]) -> usize {
    let limit = tokens.len().min(MAX_TOKENS);
    let line = (1..limit).find(|&at| text[tokens[at - 1].end..tokens[at].start].contains('\n'));
    if let Some(line) = line {
        return line;
    }
    if limit == tokens.len() {
        return limit;
    }
    let ends_sentence =
        |at: &usize| matches!(text.as_bytes()[tokens[at - 1].start], b'.' | b'!' | b'?');
    (limit / 2..limit)
        .rev()
        .find(ends_sentence)
        .unwrap_or(limit)
}
