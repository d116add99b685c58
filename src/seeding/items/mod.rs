//! Normalised items, as `weir preprocess` writes them or in tables.

mod files;
mod reader;
mod table_item;

pub(super) use files::{ItemFile, ItemFiles};
pub(super) use reader::ItemReader;
