//! Counts of names over many texts.

pub(crate) mod counts;
pub(crate) mod packed_counts;
