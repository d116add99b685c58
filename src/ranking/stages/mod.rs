//! The stages of the pipeline that order a feed, one file each: configuration, validation and behaviour.

/// Lowers further posts of one author.
pub mod diversity;
/// Puts items without a score back where they came in.
pub mod fixed_positions;
/// Gives candidates their positions.
pub mod insertion;
/// Orders items by their values.
pub mod ordering;
/// Removes items by their scores.
pub mod removal;
#[cfg(test)]
mod tests;
/// Keeps comments behind what they answer.
pub mod threading;
