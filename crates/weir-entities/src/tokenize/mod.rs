//! Text becomes tokens.

pub(crate) mod handle;
pub(crate) mod tokenizer;
