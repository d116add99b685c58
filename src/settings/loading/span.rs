//! Location of a key in a file: a second parse, made only for errors and warnings, since the first keeps no locations.

use std::path::Path;

use toml_edit::{ArrayOfTables, Document, Item, TableLike};

use super::issue::Location;
use super::key::{Key, Step};
use super::renames;

/// The byte offset of `key` in `text`, where names may be old ones, or of the innermost table that would hold it.
pub(super) fn of_key(text: &str, key: &Key) -> Option<usize> {
    let document = Document::parse(text).ok()?;
    let mut node = Node::Table(document.as_table());
    let mut found = None;
    for (depth, step) in key.steps().iter().enumerate() {
        let by_old_name = || node.step(&renames::old_name(&key.steps()[..depth], step)?);
        let Some((next, offset)) = node.step(step).or_else(by_old_name) else {
            break;
        };
        found = offset.or(found);
        node = next;
    }
    found
}

/// The offset and text of what keeps `text` from being TOML.
pub(super) fn of_syntax_error(text: &str) -> Option<(usize, String)> {
    let error = Document::parse(text).err()?;
    let offset = error.span().map_or(0, |span| span.start);
    Some((offset, error.message().trim().replace('\n', ", ")))
}

/// The line and column at a byte offset of `text`.
pub(super) fn location(path: &Path, text: &str, offset: usize) -> Location {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Location::File {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

enum Node<'document> {
    Table(&'document dyn TableLike),
    Array(&'document toml_edit::Array),
    Tables(&'document ArrayOfTables),
    Leaf,
}

impl<'document> Node<'document> {
    fn step(&self, step: &Step) -> Option<(Self, Option<usize>)> {
        match (self, step) {
            (Self::Table(table), Step::Name(name)) => {
                let (key, item) = table.get_key_value(name)?;
                Some((Self::from_item(item), key.span().map(|span| span.start)))
            }
            (Self::Array(array), Step::Index(index)) => {
                let value = array.get(*index)?;
                let node = value
                    .as_inline_table()
                    .map_or(Self::Leaf, |table| Self::Table(table));
                Some((node, value.span().map(|span| span.start)))
            }
            (Self::Tables(tables), Step::Index(index)) => {
                let table = tables.get(*index)?;
                Some((Self::Table(table), table.span().map(|span| span.start)))
            }
            _ => None,
        }
    }

    fn from_item(item: &'document Item) -> Self {
        if let Some(table) = item.as_table_like() {
            Self::Table(table)
        } else if let Some(array) = item.as_array() {
            Self::Array(array)
        } else if let Some(tables) = item.as_array_of_tables() {
            Self::Tables(tables)
        } else {
            Self::Leaf
        }
    }
}
