use super::crf::{Row, Transitions, viterbi};
use super::features::features;
use super::labels::{LABELS, Label};
use super::reader::Reader;
use super::weights::Weights;
use super::words::Words;

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
    pub(super) weights: Weights,
    pub(super) transitions: Transitions,
}

/// What tagging needs and can use again.
#[derive(Debug, Default)]
pub(super) struct Tagging {
    pub(super) words: Words,
    pub(super) scores: Vec<Row>,
    pub(super) labels: Vec<Label>,
    features: Vec<u32>,
    back: Vec<[u8; LABELS]>,
}

impl Model {
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
        reader.0.is_empty().then_some(Self {
            weights,
            transitions,
        })
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

    /// How many features have a weight.
    pub fn features(&self) -> usize {
        self.weights.len()
    }

    /// Labels the tokens of one sequence; the labels are in `tagging.labels`.
    pub(super) fn tag<'t>(&self, tokens: impl Iterator<Item = &'t str>, tagging: &mut Tagging) {
        let Tagging {
            words,
            scores,
            labels,
            features: list,
            back,
        } = tagging;
        words.read(tokens);
        let register = words.register();
        scores.clear();
        for at in 0..words.list.len() {
            list.clear();
            features(words, register, at, |feature| list.push(feature));
            scores.push(self.weights.score(list));
        }
        viterbi(scores, &self.transitions, back, labels);
    }
}
