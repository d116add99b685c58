//! The stages of the pipeline, one file each. Those that only order do no I/O.

/// Lowers further posts of one author.
pub mod diversity;
/// Finds the items that name top entities.
pub mod entities;
/// Puts items without a score back where they came in.
pub mod fixed_positions;
/// Adds candidates to the answer.
pub mod insertion;
/// Orders items by their values.
pub mod ordering;
/// Removes items by their scores.
pub mod removal;
pub(crate) mod scoring;
#[cfg(test)]
mod tests;
/// Keeps comments behind what they answer.
pub mod threading;
