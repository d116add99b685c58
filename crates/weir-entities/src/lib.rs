//! Named entities in short informal English: who, which organisation, where.
//!
//! Text becomes tokens, tokens become hashed features, a linear-chain conditional random field scores them, and the best
//! label sequence becomes spans. `docs/entities.md` has the data, the figures and the reasons.

mod bloom_filter;
mod counting;
mod crf;
mod entity;
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

pub use counting::counts::{EntityCounts, TopEntity};
pub use counting::packed_counts::{DamagedCounts, Part};
pub use crf::model::{MODEL_VERSION, Model, ModelError};
pub use entity::{Entity, EntityKind};
pub use extractor::{Extractor, Scratch};
pub use tokenize::tokenizer::{Token, tokenize};
#[cfg(feature = "training")]
pub use training::conll::{Corpora, Corpus, CorpusError, Handles, Sentence, Split};
#[cfg(feature = "training")]
pub use training::evaluation::{Casing, Evaluation, Reading, Score};
#[cfg(feature = "training")]
pub use training::trainer::{TrainingOptions, train};
