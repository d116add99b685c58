//! Named entities in short informal English: who, which organisation, where.
//!
//! Text becomes tokens, tokens become hashed features, a linear-chain conditional random field scores them, and the best
//! label sequence becomes spans. `docs/entities.md` has the data, the figures and the reasons.

#[cfg(feature = "training")]
mod conll;
mod counts;
mod crf;
mod entity;
#[cfg(feature = "training")]
mod evaluation;
mod extractor;
mod features;
mod gazetteers;
mod handle;
mod handle_features;
mod hash;
mod kind;
mod labels;
mod model;
mod packed_counts;
mod post_names;
mod reader;
mod sieve;
mod sights;
mod surface;
mod templates;
mod tokenizer;
#[cfg(feature = "training")]
mod trainer;
#[cfg(feature = "training")]
mod training_set;
mod view;
mod weight_table;
mod weights;
mod word;
mod word_memo;
mod words;

#[cfg(test)]
mod tests;

#[cfg(feature = "training")]
pub use conll::{Corpora, Corpus, CorpusError, Handles, Sentence, Split};
pub use counts::{EntityCounts, TopEntity};
pub use entity::Entity;
#[cfg(feature = "training")]
pub use evaluation::{Casing, Evaluation, Reading, Score};
pub use extractor::{Extractor, Scratch};
pub use kind::EntityKind;
pub use model::{MODEL_VERSION, Model, ModelError};
pub use packed_counts::{DamagedCounts, Part};
pub use post_names::PostNames;
pub use tokenizer::{Token, tokenize};
#[cfg(feature = "training")]
pub use trainer::{TrainingOptions, train};
