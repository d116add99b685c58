//! Reads annotated corpora: a token and its label a line, an empty line between sentences.

use std::fs;
use std::path::{Path, PathBuf};

use crate::EntityKind;
use crate::crf::labels::Label;

/// A corpus that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file is missing or not UTF-8.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line has no label, or one that is not known.
    #[error("{path}:{line}: {label:?} is not a label")]
    Label {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What stands there.
        label: String,
    },
}

/// One annotated sentence or post.
#[derive(Debug, Clone, Default)]
pub struct Sentence {
    pub(crate) tokens: Vec<String>,
    pub(crate) labels: Vec<Label>,
}

/// What a corpus says about `@handles`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Handles {
    /// Each is annotated, as an entity or as none.
    #[default]
    Annotated,
    /// Its annotators passed over them: their labels say nothing.
    PassedOver,
}

/// Sentences from one file.
#[derive(Debug, Clone)]
pub struct Corpus {
    /// The file's name without its extension.
    pub name: String,
    /// What its labels say about handles.
    pub handles: Handles,
    /// In the file's order.
    pub sentences: Vec<Sentence>,
}

/// Which part of the corpora is trained on and which is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Everything but the tests: for the committed model.
    Final,
    /// The training part alone, a share of it held out: for choosing features and parameters.
    HeldOut,
}

/// The corpora, split.
#[derive(Debug, Clone)]
pub struct Corpora {
    /// To train on.
    pub training: Vec<Corpus>,
    /// To test on.
    pub test: Vec<Corpus>,
}

const TRAINING: [&str; 8] = [
    "btc_a",
    "btc_b",
    "btc_e",
    "btc_g",
    "btc_h",
    "wnut_train",
    "wnut_dev",
    WIKIGOLD,
];
const TEST: [&str; 2] = ["btc_f", "wnut_test"];
const WIKIGOLD: &str = "wikigold";

impl Corpora {
    /// Reads the corpora from `folder`.
    ///
    /// Tests are `btc_f`, `wnut_test` and the last fifth of `wikigold`. [`Split::HeldOut`] never opens them: it tests on `wnut_dev` and on
    /// the last sixth of the other training files.
    pub fn read(folder: &Path, split: Split) -> Result<Self, CorpusError> {
        let mut corpora = Self {
            training: Vec::new(),
            test: Vec::new(),
        };
        for name in TRAINING {
            let mut corpus = Corpus::read(folder, name)?;
            let fifth = if name == WIKIGOLD {
                corpus.split_off(5)
            } else {
                None
            };
            match split {
                Split::Final => corpora.test.extend(fifth),
                Split::HeldOut if name == "wnut_dev" => {
                    corpora.test.push(corpus);
                    continue;
                }
                Split::HeldOut => corpora.test.extend(corpus.split_off(6)),
            }
            corpora.training.push(corpus);
        }
        if split == Split::Final {
            let tests = TEST
                .iter()
                .map(|name| Corpus::read(folder, name))
                .collect::<Result<Vec<_>, _>>()?;
            corpora.test.splice(0..0, tests);
        }
        Ok(corpora)
    }
}

/// Corpora whose annotators passed over handles: 8 of the 1,950 in `wnut_train` are entities.
const PASSED_OVER: [&str; 1] = ["wnut_train"];

impl Corpus {
    fn read(folder: &Path, name: &str) -> Result<Self, CorpusError> {
        let path = folder.join(name).with_extension("conll");
        let text = fs::read_to_string(&path).map_err(|source| CorpusError::Io {
            path: path.clone(),
            source,
        })?;
        let mut sentences = Vec::new();
        let mut sentence = Sentence::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() {
                sentences.extend(sentence.finish());
                continue;
            }
            let (token, label) = line.rsplit_once(['\t', ' ']).unwrap_or((line, ""));
            let label = parse(label).ok_or_else(|| CorpusError::Label {
                path: path.clone(),
                line: number + 1,
                label: label.to_owned(),
            })?;
            sentence.tokens.push(token.trim().to_owned());
            sentence.labels.push(label);
        }
        sentences.extend(sentence.finish());
        let handles = if PASSED_OVER.contains(&name) {
            Handles::PassedOver
        } else {
            Handles::Annotated
        };
        Ok(Self {
            name: name.to_owned(),
            handles,
            sentences,
        })
    }

    /// Takes the last `1 / share` off as a corpus of the same name.
    fn split_off(&mut self, share: usize) -> Option<Self> {
        let at = self.sentences.len() - self.sentences.len() / share;
        let sentences = self.sentences.split_off(at);
        (!sentences.is_empty()).then(|| Self {
            name: self.name.clone(),
            handles: self.handles,
            sentences,
        })
    }
}

impl Sentence {
    /// The sentence as the extractor would see its text, leaving an empty one behind.
    fn finish(&mut self) -> Option<Self> {
        let mut done = std::mem::take(self);
        done.join_signs();
        done.repair();
        (!done.tokens.is_empty()).then_some(done)
    }

    /// Puts a detached `@` or `#` back before its name: one token, and one entity where the sign and the name are two.
    fn join_signs(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        let labels = std::mem::take(&mut self.labels);
        for (token, label) in tokens.into_iter().zip(labels) {
            match (self.tokens.last_mut(), self.labels.last_mut()) {
                (Some(sign), Some(of_sign)) if is_sign(sign) && is_name(&token) => {
                    sign.push_str(&token);
                    *of_sign = joined(*of_sign, label);
                }
                _ => {
                    self.tokens.push(token);
                    self.labels.push(label);
                }
            }
        }
    }

    /// Makes an inside label that continues nothing the beginning of an entity.
    fn repair(&mut self) {
        let mut before = Label::OUTSIDE;
        for label in &mut self.labels {
            if let Some(kind) = label.kind().filter(|_| !before.may_precede(*label)) {
                *label = Label::begin(kind);
            }
            before = *label;
        }
    }
}

fn is_sign(token: &str) -> bool {
    matches!(token, "@" | "#")
}

fn is_name(token: &str) -> bool {
    let starts = token.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    starts && token.contains(|c: char| c.is_alphabetic() || c == '_')
}

/// The label of a sign and its name as one token: the name's kind, inside an entity only if both continue it.
fn joined(sign: Label, name: Label) -> Label {
    match name.kind() {
        Some(kind) if sign != Label::inside(kind) => Label::begin(kind),
        _ => name,
    }
}

/// The label of a corpus in our alphabet; products, works and miscellany are outside it.
fn parse(label: &str) -> Option<Label> {
    if label == "O" {
        return Some(Label::OUTSIDE);
    }
    let (position, kind) = label.split_once('-')?;
    let kind = match kind {
        "PER" | "person" => EntityKind::Person,
        "ORG" | "corporation" | "group" => EntityKind::Organisation,
        "LOC" | "location" => EntityKind::Place,
        "MISC" | "product" | "creative-work" => return Some(Label::OUTSIDE),
        _ => return None,
    };
    match position {
        "B" => Some(Label::begin(kind)),
        "I" => Some(Label::inside(kind)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(lines: &[(&str, &str)]) -> Vec<(String, Label)> {
        let mut sentence = Sentence::default();
        for (token, label) in lines {
            sentence.tokens.push((*token).to_owned());
            sentence.labels.push(parse(label).unwrap());
        }
        let done = sentence.finish().unwrap();
        done.tokens.into_iter().zip(done.labels).collect()
    }

    #[test]
    fn a_sign_and_its_name_are_one_token_and_one_entity() {
        let person = Label::begin(EntityKind::Person);
        for (sign, name, label) in [
            ("B-PER", "B-PER", person),
            ("O", "B-PER", person),
            ("B-PER", "I-PER", person),
            ("O", "O", Label::OUTSIDE),
        ] {
            assert_eq!(
                sentence(&[("@", sign), ("5SOS", name)]),
                [("@5SOS".to_owned(), label)]
            );
        }
    }

    #[test]
    fn a_handle_may_continue_an_entity() {
        let labels = sentence(&[("Eva", "B-PER"), ("@", "I-PER"), ("eva", "I-PER")]);
        assert_eq!(labels[1].1, Label::inside(EntityKind::Person));
    }

    #[test]
    fn a_sign_before_a_number_stays_alone() {
        assert_eq!(sentence(&[("@", "O"), ("7", "O"), ("pm", "O")]).len(), 3);
    }
}
