//! The stages of the pipeline that order a feed, one file each: configuration, validation and behaviour.

/// Lowers further posts of one author.
pub mod diversity;
/// Computes the policy's expressions.
pub mod evaluation;
/// Puts items back where they came in that are not to be ordered.
pub mod fixed_positions;
/// Gives candidates their positions.
pub mod insertion;
/// Puts fixed posts before items.
pub mod markers;
/// Orders items by their values.
pub mod ordering;
/// Removes items by their scores.
pub mod removal;
/// Replaces items by candidates.
pub mod replacement;
#[cfg(test)]
mod tests;
/// Keeps comments behind what they answer.
pub mod threading;
