//! The stages of the pipeline.

pub(crate) mod entities;
pub(crate) mod insertion;
pub(crate) mod score_sheet;
pub(crate) mod scoring;
