//! The stages of the pipeline that wait for something, one file each.

pub(crate) mod entities;
pub(crate) mod insertion;
pub(crate) mod scoring;
