//! Rewriting of a settings file from the version before.

use std::collections::BTreeMap;
use std::path::Path;

use super::issue::{ConfigIssue, SettingsError};
use super::layers::{Layers, read_file};
use crate::durable_file;

/// A settings file with the present names in location of old ones; comments and formatting are as they were.
#[derive(Debug)]
pub struct Migration {
    /// The keys that were renamed, by the names that they had, where they stood.
    pub changes: Vec<ConfigIssue>,
    text: String,
}

impl Migration {
    /// Reads the file at `path`. A key that it gives by both names is an error.
    pub fn plan(path: &Path) -> Result<Self, SettingsError> {
        Self::of_text(path, read_file(path)?)
    }

    pub(super) fn of_text(path: &Path, text: String) -> Result<Self, SettingsError> {
        let has_crlf = text.contains("\r\n");
        let layers = Layers::new(Some((path.to_owned(), text)), &BTreeMap::new())?;
        let twice = layers.renamed(true);
        if !twice.is_empty() {
            return Err(SettingsError::Wrong(twice));
        }
        let mut text = layers.file_with_present_names().unwrap_or_default();
        if has_crlf {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        Ok(Self {
            changes: layers.renamed(false),
            text,
        })
    }

    /// The whole file as it is to be.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the file at `path`, or the one that it links to, as a whole.
    pub fn apply(&self, path: &Path) -> std::io::Result<()> {
        durable_file::replace(&path.canonicalize()?, self.text.as_bytes())
    }
}
