//! Named entities in short informal English: who, which organisation, where.
//!
//! Text becomes tokens, tokens become hashed features, a linear-chain conditional random field scores them, and the best
//! label sequence becomes spans. `docs/entities.md` has the data, the figures and the reasons.

mod bloom_filter;
mod counting;
mod crf;
mod extractor;
mod features;
mod gazetteers;
mod hash;
mod reader;
#[cfg(test)]
mod tests;
mod tokenize;
#[cfg(feature = "training")]
mod training;

pub use counting::packed_counts::{DamagedCounts, Part};
pub use counting::{EntityCounts, TopEntity};
pub use crf::{MODEL_VERSION, Model, ModelError};
pub use extractor::{Extractor, Scratch};
pub use tokenize::{Token, tokenize};
#[cfg(feature = "training")]
pub use training::conll::{Corpora, Corpus, CorpusError, Handles, Sentence, Split};
#[cfg(feature = "training")]
pub use training::evaluation::{Casing, Evaluation, Reading, Score};
#[cfg(feature = "training")]
pub use training::{TrainingOptions, train};

use serde::Serialize;

/// One named entity in a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Entity<'t> {
    /// The entity as written: `&text[start..end]`.
    pub text: &'t str,
    /// Kind of entity.
    pub kind: EntityKind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset after its last character.
    pub end: usize,
    /// The model's probability for exactly this span and kind, 0 to 1.
    pub confidence: f32,
}

/// Kind of a named entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A person, real or fictional.
    Person,
    /// A company, party, team, band, agency or other named group.
    Organisation,
    /// A country, city, region, building or other named location.
    Place,
}

impl EntityKind {
    /// Every kind, in label order.
    pub const ALL: [Self; 3] = [Self::Person, Self::Organisation, Self::Place];

    /// The lower-case name, as it is serialized.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organisation => "organisation",
            Self::Place => "place",
        }
    }
}
