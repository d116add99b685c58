//! A linear-chain conditional random field scores features and finds the best labels.

pub(crate) mod labels;
pub(crate) mod lattice;
pub(crate) mod weight_table;
pub(crate) mod weights;
pub(crate) mod word_memo;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::bloom_filter::CandidateFeatures;
use crate::crf::labels::{LABELS, Label, PADDED};
use crate::crf::lattice::{Row, Transitions, viterbi};
use crate::crf::weights::Weights;
use crate::crf::word_memo::{Near, WordMemo};
use crate::features::collect::features;
use crate::features::sequence::Words;
use crate::features::view::View;
use crate::features::visitors::ContextFeatures;
use crate::reader::Reader;

/// Names the layout and the feature templates; a file that begins otherwise was made by another version.
pub const MODEL_VERSION: &str = "weir-crf-3";

/// A model file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It was not written by this version of the trainer.
    #[error("not a {MODEL_VERSION} model; train it again with `weir train-entities`")]
    Version,
    /// It ends early or contradicts itself.
    #[error("the model file is damaged")]
    Damaged,
}

/// A trained tagger: weights of features and of transitions.
#[derive(Debug)]
pub struct Model {
    pub(crate) transitions: Transitions,
    weights: Weights,
    /// Another for each model of the process.
    number: u64,
}

/// Buffers of tagging, used again for the next text.
#[derive(Debug, Default)]
pub(crate) struct Tagging {
    pub(crate) scores: Vec<Row>,
    pub(crate) labels: Vec<Label>,
    words: Words,
    memo: WordMemo,
    known: Vec<(u64, Near)>,
    candidates: CandidateFeatures,
    back: Vec<[u32; PADDED]>,
}

impl Model {
    pub(crate) fn new(weights: Weights, transitions: Transitions) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        Self {
            transitions,
            weights,
            number: MADE.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Reads a model file.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut reader = Reader(bytes);
        reader
            .take(MODEL_VERSION.len())
            .filter(|name| name == &MODEL_VERSION.as_bytes())
            .ok_or(ModelError::Version)?;
        Self::read_body(&mut reader).ok_or(ModelError::Damaged)
    }

    fn read_body(reader: &mut Reader<'_>) -> Option<Self> {
        let mut transitions = Transitions::unweighted();
        for score in transitions.0.iter_mut().flat_map(|row| &mut row[..LABELS]) {
            *score = reader.f32().filter(|score| score.is_finite())?;
        }
        let weights = Weights::read(reader)?;
        reader.0.is_empty().then(|| Self::new(weights, transitions))
    }

    /// The model file; [`Model::read`] gives back the same model.
    pub fn write(&self) -> Vec<u8> {
        let mut out = MODEL_VERSION.as_bytes().to_vec();
        for score in self.transitions.0.iter().flat_map(|row| &row[..LABELS]) {
            out.extend(score.to_le_bytes());
        }
        self.weights.write(&mut out);
        out
    }

    /// Returns the number of features that have a weight.
    pub fn features(&self) -> usize {
        self.weights.len()
    }

    /// Labels the tokens of one sequence; the labels are in `tagging.labels`.
    pub(crate) fn tag<T: AsRef<str>>(&self, tokens: &[T], tagging: &mut Tagging) {
        self.score(tokens, tagging);
        let Tagging {
            scores,
            labels,
            back,
            ..
        } = tagging;
        viterbi(scores, &self.transitions, back, labels);
    }

    /// The score of each label for each token, in `tagging.scores`: what each word says, then what they say together.
    fn score<T: AsRef<str>>(&self, tokens: &[T], tagging: &mut Tagging) {
        let Tagging {
            scores,
            words,
            memo,
            known,
            candidates,
            ..
        } = tagging;
        memo.prepare(self.number, &self.weights);
        known.clear();
        words.read(tokens, |token| {
            let (hash, word, near) = memo.read(token, &self.weights);
            known.push((hash, near));
            word
        });
        let register = words.register();
        scores.clear();
        for (at, (hash, _)) in known.iter().enumerate() {
            let view = View::new(&words.list, register, at);
            let emit = |feature| self.weights.filter_into(feature, candidates);
            features(ContextFeatures { view, emit });
            let cased = memo.cased(*hash, view.word, view.case, &self.weights);
            let near = (0..5).map(|offset| {
                let neighbour = (at + offset).checked_sub(2).and_then(|at| known.get(at));
                neighbour.map_or(memo.edge(), |(_, near)| near)[offset]
            });
            let sums = near.chain([cased, self.weights.sum(candidates)]);
            scores.push(self.weights.score(sums));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extractor::Extractor;
    use crate::features::visitors::AllFeatures;
    use crate::features::word::Word;

    /// The scores of `tokens` by every feature of every word.
    fn scores(model: &Model, tokens: &[&str]) -> Vec<Row> {
        let (mut words, mut spellings) = (Words::default(), Vec::new());
        words.read(tokens, |token| {
            let (word, spelling) = Word::read(token);
            spellings.push(spelling);
            word
        });
        let register = words.register();
        let mut candidates = CandidateFeatures::default();
        let score = |(at, spelling)| {
            features(AllFeatures {
                view: View::new(&words.list, register, at),
                spelling,
                emit: |feature| model.weights.filter_into(feature, &mut candidates),
            });
            model
                .weights
                .score([model.weights.sum(&mut candidates)].into_iter())
        };
        spellings.iter().enumerate().map(score).collect()
    }

    #[test]
    fn what_is_kept_of_words_is_what_their_features_say() {
        let model = Extractor::bundled().model();
        let mut tagging = Tagging::default();
        for text in [
            "New York is not new to @justinbieber , is it ?",
            "new york is not NEW to @justinbieber . It is !",
            "@BBCNews @x_1 IS NEW YORK in the U.S. ?",
            "It",
            "#NewYork : Caf\u{e9} \u{130}stanbul \u{1f525} https://t.co/x 3.5 % It is new",
        ] {
            let tokens: Vec<&str> = text.split(' ').collect();
            model.tag(&tokens, &mut tagging);
            assert_eq!(tagging.scores, scores(model, &tokens), "{text}");
        }
    }

    #[test]
    fn what_was_kept_for_one_model_is_not_used_for_another() {
        let other = Model::new(Weights::quantise(&[], 1.0), Transitions::unweighted());
        let mut tagging = Tagging::default();
        for model in [
            Extractor::bundled().model(),
            &other,
            Extractor::bundled().model(),
        ] {
            model.tag(&["London"], &mut tagging);
            assert_eq!(tagging.scores, scores(model, &["London"]));
        }
    }
}
