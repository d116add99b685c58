use std::collections::{BTreeMap, BTreeSet};

use crate::features::surface;

/// The names in one post, each spelling once however often it stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostNames(BTreeSet<String>);

impl PostNames {
    /// The names of a post, by the texts of its entities.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let names = texts.into_iter().map(surface::name);
        Self(
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    /// One name a line: a name never goes over the end of a line.
    pub fn to_bytes(&self) -> Vec<u8> {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        names.join("\n").into_bytes()
    }

    /// Reads what [`PostNames::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Self(text.lines().map(str::to_owned).collect())
    }

    /// The spellings, by what they have in common.
    pub(crate) fn by_key(&self) -> BTreeMap<String, Vec<&str>> {
        let mut by_key = BTreeMap::<String, Vec<&str>>::new();
        for name in &self.0 {
            by_key.entry(surface::key(name)).or_default().push(name);
        }
        by_key
    }
}
