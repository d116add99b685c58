//! What words say of themselves and their neighbours, kept for when they come again: most of a text is a few thousand words.

use xxhash_rust::xxh3::xxh3_64;

use crate::bloom_filter::CandidateFeatures;
use crate::crf::weight_table::Sum;
use crate::crf::weights::Weights;
use crate::features::collect::features;
use crate::features::view::Case;
use crate::features::visitors::{BoundaryFeatures, CaseFeatures, UnigramFeatures};
use crate::features::word::Word;
use crate::hash;

/// Words kept, by a hash of 64 bits; of two that belong to the same place, the later one.
const PLACES: usize = 4096;

/// The sums of a word's weights for those words from which it stands at the offset -2 to 2, itself in the middle, as far as
/// neither case nor other words have a say.
pub(crate) type Near = [Sum; 5];

/// Known words, for one model at a time. The sums are of whole numbers: exactly those of the features one by one.
#[derive(Debug, Default)]
pub(crate) struct WordMemo {
    /// The number of the model whose weights they are.
    model: u64,
    places: Vec<Known>,
    edge: Near,
    candidates: [CandidateFeatures; 5],
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    hash: u64,
    word: Word,
    near: Near,
    cased: Option<(Case, Sum)>,
}

impl WordMemo {
    /// Makes the memo that of the model `number`, whose weights these are.
    pub(crate) fn prepare(&mut self, number: u64, weights: &Weights) {
        if self.model != number || self.places.is_empty() {
            self.model = number;
            self.places = vec![Known::default(); PLACES];
            features(BoundaryFeatures {
                emit: |offset, feature| {
                    weights.filter_into(feature, at(&mut self.candidates, offset));
                },
            });
            self.edge = self.sums(weights);
        }
    }

    /// The hash of `token`, what it is alone, and what it says.
    pub(crate) fn read(&mut self, token: &str, weights: &Weights) -> (u64, Word, Near) {
        let hash = xxh3_64(token.as_bytes());
        let known = &self.places[place(hash)];
        if known.hash == hash {
            return (hash, known.word, known.near);
        }
        let (word, spelling) = Word::read(token);
        features(UnigramFeatures {
            word: &word,
            spelling: &spelling,
            emit: |offset, feature| weights.filter_into(feature, at(&mut self.candidates, offset)),
        });
        let near = self.sums(weights);
        self.places[place(hash)] = Known {
            hash,
            word,
            near,
            cased: None,
        };
        (hash, word, near)
    }

    /// What the word of a hash says in that case.
    pub(crate) fn cased(&mut self, hash: u64, word: &Word, case: Case, weights: &Weights) -> Sum {
        let known = &mut self.places[place(hash)];
        if let Some((kept, sum)) = known.cased
            && (known.hash, kept) == (hash, case)
        {
            return sum;
        }
        let candidates = &mut self.candidates[0];
        let emit = |feature| weights.filter_into(feature, candidates);
        features(CaseFeatures { word, case, emit });
        let sum = weights.sum(&mut self.candidates[0]);
        if known.hash == hash {
            known.cased = Some((case, sum));
        }
        sum
    }

    /// What an end of the sequence says.
    pub(crate) fn edge(&self) -> &Near {
        &self.edge
    }

    fn sums(&mut self, weights: &Weights) -> Near {
        std::array::from_fn(|at| weights.sum(&mut self.candidates[at]))
    }
}

/// That of the word which is reached from the neighbour at `offset`.
#[inline]
fn at(candidates: &mut [CandidateFeatures; 5], offset: isize) -> &mut CandidateFeatures {
    &mut candidates[(offset + 2).cast_unsigned()]
}

fn place(hash: u64) -> usize {
    hash::fold(hash) as usize % PLACES
}
