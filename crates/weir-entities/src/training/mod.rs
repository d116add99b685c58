//! Reading corpora, training a model and evaluating it.
//!
//! The tagger is trained by maximum likelihood with a penalty on the absolute weights, by adaptive dual averaging.
//!
//! Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011), section 5.1: the weights follow in closed form from the summed
//! gradients and their summed squares, and the penalty makes most of them exactly zero.

pub(crate) mod conll;
pub(crate) mod evaluation;
pub(crate) mod training_set;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::crf::Model;
use crate::crf::labels::{LABELS, Label, PADDED};
use crate::crf::lattice::{IMPOSSIBLE, Lattice, Row, Transitions};
use crate::crf::weights::Weights;
use crate::training::conll::Corpus;
use crate::training::training_set::{Sequence, TrainingSet};

/// Configuration of a training. The defaults made the committed model.
#[derive(Debug, Clone, Copy)]
pub struct TrainingOptions {
    /// Passes over the corpora.
    pub epochs: u32,
    /// The size of a first step.
    pub rate: f32,
    /// The penalty on absolute weights, per sentence.
    pub l1: f32,
    /// The penalty on squared weights, per sentence.
    pub l2: f32,
    /// The share of sentences trained on in lower case, and the same again in upper case.
    pub casing_dropout: f64,
    /// The share of features left out at each visit of a token.
    pub feature_dropout: f32,
    /// Features seen less often are not trained.
    pub min_count: u32,
    /// The distance of two weights in the model file.
    pub step: f32,
    /// Taken off the score of every step to an outside label once trained: more spans are found, more of them wrongly.
    pub outside_penalty: f32,
    /// Seeds the order of sentences and every dropout.
    pub seed: u64,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self {
            epochs: 16,
            rate: 0.05,
            l1: 1e-5,
            l2: 1e-5,
            casing_dropout: 0.1,
            feature_dropout: 0.1,
            min_count: 1,
            step: 1.0 / 32.0,
            outside_penalty: 0.5,
            seed: 1,
        }
    }
}

/// Trains a model on `corpora`; `progress` hears the mean log-likelihood per sentence after each pass.
///
/// The same corpora and options give the same model, bit for bit, on one kind of machine.
pub fn train(
    corpora: &[Corpus],
    options: &TrainingOptions,
    mut progress: impl FnMut(u32, f64),
) -> Model {
    let set = TrainingSet::new(corpora, options.min_count);
    let mut trainer = Trainer::new(&set, *options);
    let mut order: Vec<usize> = (0..set.sentences.len()).collect();
    for epoch in 1..=options.epochs {
        order.shuffle(&mut trainer.random);
        let sum: f64 = order
            .iter()
            .map(|&at| trainer.visit(&set.sentences[at]))
            .sum();
        progress(epoch, sum / order.len().max(1) as f64);
    }
    trainer.finish(&set)
}

/// Summed gradients, their summed squares, and the weights that follow from them.
#[derive(Debug, Clone, Copy, Default)]
struct Parameter {
    gradient: Row,
    square: Row,
    weight: Row,
}

struct Trainer {
    options: TrainingOptions,
    parameters: Vec<Parameter>,
    transitions: [Parameter; LABELS],
    /// Over every label sequence.
    free: Lattice,
    /// Over those that the annotation allows.
    observed: Lattice,
    scores: Vec<Row>,
    kept: Vec<u32>,
    bounds: Vec<usize>,
    visits: f32,
    random: ChaCha8Rng,
}

impl Trainer {
    fn new(set: &TrainingSet, options: TrainingOptions) -> Self {
        Self {
            options,
            parameters: vec![Parameter::default(); set.features.len()],
            transitions: [Parameter::default(); LABELS],
            free: Lattice::default(),
            observed: Lattice::default(),
            scores: Vec::new(),
            kept: Vec::new(),
            bounds: Vec::new(),
            visits: 0.0,
            random: ChaCha8Rng::seed_from_u64(options.seed),
        }
    }

    /// One step on one sentence, in a casing drawn for this visit; returns its log-likelihood before the step.
    fn visit(&mut self, casings: &[Sequence]) -> f64 {
        self.visits += 1.0;
        let draw: f64 = self.random.random();
        let dropout = self.options.casing_dropout;
        let casing = usize::from(draw < 2.0 * dropout) + usize::from(draw < dropout);
        let sequence = &casings[casing];
        self.score(sequence);
        let transitions = self.current_transitions();
        self.free.fill(&self.scores, &transitions);
        self.observe(&sequence.labels);
        self.observed.fill(&self.scores, &transitions);
        self.step(sequence.labels.len());
        self.observed.log_sum - self.free.log_sum
    }

    fn score(&mut self, sequence: &Sequence) {
        self.kept.clear();
        self.bounds.clear();
        self.scores.clear();
        self.bounds.push(0);
        let keep = 1.0 - self.options.feature_dropout;
        for at in 0..sequence.labels.len() {
            let mut row = [0.0; PADDED];
            for &number in sequence.features(at) {
                if keep < 1.0 && self.random.random::<f32>() >= keep {
                    continue;
                }
                self.kept.push(number);
                for (sum, weight) in row.iter_mut().zip(self.parameters[number as usize].weight) {
                    *sum += weight;
                }
            }
            self.bounds.push(self.kept.len());
            self.scores.push(row.map(|sum| sum / keep));
        }
    }

    fn current_transitions(&self) -> Transitions {
        let mut transitions = Transitions::unweighted();
        for (row, parameter) in transitions.0.iter_mut().zip(&self.transitions) {
            for (score, weight) in row.iter_mut().zip(parameter.weight) {
                if *score > IMPOSSIBLE {
                    *score = weight;
                }
            }
        }
        transitions
    }

    /// Leaves in each row of scores only the labels that the annotation allows.
    fn observe(&mut self, labels: &[Option<Label>]) {
        for (row, observed) in self.scores.iter_mut().zip(labels) {
            for (label, score) in row.iter_mut().enumerate() {
                if observed.is_some_and(|observed| observed.index() != label) {
                    *score = IMPOSSIBLE;
                }
            }
        }
    }

    fn step(&mut self, length: usize) {
        let rule = Rule::new(&self.options, self.visits);
        for at in 0..length {
            let gradient = difference(self.free.marginal(at), self.observed.marginal(at));
            for &number in &self.kept[self.bounds[at]..self.bounds[at + 1]] {
                rule.update(&mut self.parameters[number as usize], &gradient);
            }
        }
        let mut edges = [[0.0; PADDED]; LABELS];
        edges[0] = difference(self.free.marginal(0), self.observed.marginal(0));
        for at in 1..length {
            let (free, observed) = (self.free.edge_marginal(at), self.observed.edge_marginal(at));
            for ((sum, free), observed) in edges.iter_mut().zip(free).zip(observed) {
                for (sum, value) in sum.iter_mut().zip(difference(free, observed)) {
                    *sum += value;
                }
            }
        }
        for (parameter, gradient) in self.transitions.iter_mut().zip(&edges) {
            rule.update(parameter, gradient);
        }
    }

    fn finish(mut self, set: &TrainingSet) -> Model {
        let rule = Rule::new(&self.options, self.visits);
        for parameter in self.parameters.iter_mut().chain(&mut self.transitions) {
            rule.update(parameter, &[0.0; PADDED]);
        }
        let weights = self.parameters.iter().map(|parameter| parameter.weight);
        let rows: Vec<(u32, Row)> = set.features.iter().copied().zip(weights).collect();
        let mut transitions = self.current_transitions();
        for row in &mut transitions.0 {
            row[0] -= self.options.outside_penalty;
        }
        Model::new(Weights::quantise(&rows, self.options.step), transitions)
    }
}

fn difference(a: Row, b: Row) -> Row {
    std::array::from_fn(|label| a[label] - b[label])
}

/// The closed form at one moment of training.
struct Rule {
    rate: f32,
    threshold: f32,
    ridge: f32,
}

impl Rule {
    fn new(options: &TrainingOptions, visits: f32) -> Self {
        Self {
            rate: options.rate,
            threshold: options.l1 * visits,
            ridge: options.rate * options.l2 * visits,
        }
    }

    #[inline]
    fn update(&self, parameter: &mut Parameter, gradient: &Row) {
        let Parameter {
            gradient: sums,
            square: squares,
            weight: weights,
        } = parameter;
        for (((sum, square), weight), &g) in sums.iter_mut().zip(squares).zip(weights).zip(gradient)
        {
            *sum += g;
            *square += g * g;
            let shrunk = (sum.abs() - self.threshold).max(0.0).copysign(-*sum);
            *weight = self.rate * shrunk / (square.sqrt() + 1e-3 + self.ridge);
        }
    }
}
