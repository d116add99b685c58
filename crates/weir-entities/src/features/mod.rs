//! Tokens become hashed features of words.

pub(crate) mod collect;
pub(crate) mod handle_features;
pub(crate) mod sequence;
pub(crate) mod surface;
pub(crate) mod templates;
pub(crate) mod view;
pub(crate) mod visitors;
pub(crate) mod word;
