//! Sentences as lists of feature numbers, in each casing they are trained in.

use std::collections::HashMap;

use crate::crf::labels::Label;
use crate::features::collect::features;
use crate::features::sequence::Words;
use crate::features::view::View;
use crate::features::visitors::AllFeatures;
use crate::features::word::Word;
use crate::tokenize::TokenKind;
use crate::training::conll::{Corpus, Handles, Sentence};
use crate::training::evaluation::Casing;

/// One sentence in one casing: the features of token `i` are `numbers[bounds[i]..bounds[i + 1]]`.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// `None` where the annotation says nothing.
    pub(crate) labels: Vec<Option<Label>>,
    numbers: Vec<u32>,
    bounds: Vec<usize>,
}

impl Sequence {
    pub(crate) fn features(&self, at: usize) -> &[u32] {
        &self.numbers[self.bounds[at]..self.bounds[at + 1]]
    }
}

/// Every training sentence in every casing, features numbered from 0.
#[derive(Debug)]
pub(crate) struct TrainingSet {
    /// Per sentence, its casings in the order of [`Casing::ALL`].
    pub(crate) sentences: Vec<[Sequence; 3]>,
    /// The feature of each number.
    pub(crate) features: Vec<u32>,
}

impl TrainingSet {
    /// Leaves out features seen fewer than `min_count` times as written.
    pub(crate) fn new(corpora: &[Corpus], min_count: u32) -> Self {
        let mut words = Words::default();
        let counts = counts(corpora, &mut words);
        let mut features: Vec<u32> = counts
            .into_iter()
            .filter(|(_, count)| *count >= min_count)
            .map(|(feature, _)| feature)
            .collect();
        features.sort_unstable();
        let numbers = features
            .iter()
            .zip(0u32..)
            .map(|(&feature, number)| (feature, number))
            .collect();
        let mut sentences = Vec::new();
        for corpus in corpora {
            for sentence in &corpus.sentences {
                let labels = observed(sentence, corpus.handles);
                sentences.push(
                    Casing::ALL
                        .map(|casing| sequence(sentence, &labels, casing, &numbers, &mut words)),
                );
            }
        }
        Self {
            sentences,
            features,
        }
    }
}

/// How often each feature is seen as written; those of the other casings alone count 0.
fn counts(corpora: &[Corpus], words: &mut Words) -> HashMap<u32, u32> {
    let mut counts = HashMap::new();
    for sentence in corpora.iter().flat_map(|corpus| &corpus.sentences) {
        for casing in Casing::ALL {
            let weight = u32::from(casing == Casing::AsWritten);
            each_feature(sentence, casing, words, |_, feature| {
                *counts.entry(feature).or_default() += weight;
            });
        }
    }
    counts
}

fn sequence(
    sentence: &Sentence,
    labels: &[Option<Label>],
    casing: Casing,
    numbers: &HashMap<u32, u32>,
    words: &mut Words,
) -> Sequence {
    let mut sequence = Sequence {
        labels: labels.to_vec(),
        numbers: Vec::new(),
        bounds: Vec::new(),
    };
    let mut current = usize::MAX;
    each_feature(sentence, casing, words, |at, feature| {
        if at != current {
            sequence.bounds.push(sequence.numbers.len());
            current = at;
        }
        sequence.numbers.extend(numbers.get(&feature));
    });
    sequence.bounds.push(sequence.numbers.len());
    sequence
}

fn each_feature(
    sentence: &Sentence,
    casing: Casing,
    words: &mut Words,
    mut visit: impl FnMut(usize, u32),
) {
    let tokens: Vec<_> = sentence
        .tokens
        .iter()
        .map(|token| casing.apply(token))
        .collect();
    let mut spellings = Vec::new();
    words.read(&tokens, |token| {
        let (word, spelling) = Word::read(token);
        spellings.push(spelling);
        word
    });
    let register = words.register();
    for (at, spelling) in spellings.iter().enumerate() {
        features(AllFeatures {
            view: View::new(&words.list, register, at),
            spelling,
            emit: |feature| visit(at, feature),
        });
    }
}

/// The labels of a sentence as far as they say anything.
fn observed(sentence: &Sentence, handles: Handles) -> Vec<Option<Label>> {
    let says_nothing =
        |token: &str| handles == Handles::PassedOver && TokenKind::of(token) == TokenKind::Mention;
    sentence
        .tokens
        .iter()
        .zip(&sentence.labels)
        .map(|(token, &label)| (!says_nothing(token)).then_some(label))
        .collect()
}
