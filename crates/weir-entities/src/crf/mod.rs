//! A linear-chain conditional random field scores features and finds the best labels.

pub(crate) mod labels;
pub(crate) mod lattice;
pub(crate) mod model;
pub(crate) mod weight_table;
pub(crate) mod weights;
pub(crate) mod word_memo;
