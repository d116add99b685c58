//! Tables that several parts read, each of which knows some of the keys.

use std::fmt::Display;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Error, Map, Value};
use serde_path_to_error::Segment;

use super::key::Key;

/// Separates the steps of a path, and the path from the text, in an error. serde carries nothing but text.
const SEPARATOR: char = '\u{1f}';
/// Begins a text that is for people as it is, unlike serde's.
const FINAL: char = '\u{1e}';

/// Keys of a table that no part has read yet. A key that is wrong is reported with its path below the table.
pub(crate) struct Table {
    unread: Map<String, Value>,
    known: Vec<String>,
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self {
            unread: Map::deserialize(deserializer)?,
            known: Vec::new(),
        })
    }
}

impl Table {
    /// Returns the keys of a part with their values.
    pub(crate) fn keys_of(part: &impl Serialize) -> Map<String, Value> {
        match serde_json::to_value(part) {
            Ok(Value::Object(keys)) => keys,
            _ => Map::new(),
        }
    }

    /// Removes a key and reads it.
    pub(crate) fn take_key<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, Error> {
        self.known.push(name.to_owned());
        let Some(value) = self.unread.remove(name) else {
            return Err(Error::missing_field(name));
        };
        T::deserialize(value).map_err(|refusal| at(name, refusal))
    }

    /// Removes the keys of a part and reads them. Keys that are not there have their defaults.
    pub(crate) fn take<T>(&mut self) -> Result<T, Error>
    where
        T: Default + DeserializeOwned + Serialize,
    {
        let mut own = Map::new();
        for (key, _) in Self::keys_of(&T::default()) {
            own.extend(self.unread.remove_entry(&key));
            self.known.push(key);
        }
        serde_path_to_error::deserialize(Value::Object(own)).map_err(|refusal| {
            let steps = refusal.path().iter().filter_map(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                Segment::Seq { index } => Some(format!("[{index}]")),
                Segment::Enum { .. } | Segment::Unknown => None,
            });
            let path: Vec<String> = steps.collect();
            at(&path.join(&SEPARATOR.to_string()), refusal.inner())
        })
    }

    /// Removes those of `keys` that have not been read.
    pub(crate) fn split_off(&mut self, keys: &Map<String, Value>) -> Self {
        let removed = keys.keys().filter_map(|key| self.unread.remove_entry(key));
        Self {
            unread: removed.collect(),
            known: Vec::new(),
        }
    }

    /// Returns the first key that has not been read.
    pub(crate) fn first_key(&self) -> Option<String> {
        self.unread.keys().next().cloned()
    }

    /// Refuses keys that no part has read.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        let Some(key) = self.unread.keys().next() else {
            return Ok(());
        };
        let known = quoted(&self.known);
        Err(at(
            key,
            format!("unknown field `{key}`, expected one of {known}"),
        ))
    }

    /// Creates the error of a key that has none of its possible values.
    pub(crate) fn unknown_variant(key: &str, found: &str, known: &[&str]) -> Error {
        let known = quoted(known);
        at(
            key,
            format!("unknown variant `{found}`, expected one of {known}"),
        )
    }

    /// Creates an error about a key in words for people.
    pub(crate) fn wrong(key: &str, text: &str) -> Error {
        at(key, format!("{FINAL}{text}"))
    }
}

fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    quoted.join(", ")
}

fn at(path: &str, text: impl Display) -> Error {
    Error::custom(format!("{path}{SEPARATOR}{SEPARATOR}{text}"))
}

/// Error of a value that may be a [`Table`]: its key, and its text.
pub(super) enum Refusal<'t> {
    /// Text of serde.
    Serde(Key, &'t str),
    /// Text for people.
    Final(Key, &'t str),
}

impl<'t> Refusal<'t> {
    pub(super) fn key(&self) -> &Key {
        match self {
            Self::Serde(key, _) | Self::Final(key, _) => key,
        }
    }

    /// Reads the error of the value at `key`.
    pub(super) fn parse(key: Key, text: &'t str) -> Self {
        let Some((path, text)) = text.split_once(&format!("{SEPARATOR}{SEPARATOR}")) else {
            return Self::Serde(key, text);
        };
        let key = path.split(SEPARATOR).fold(key, |key, step| {
            let index = step
                .strip_prefix('[')
                .and_then(|step| step.strip_suffix(']'));
            match index.and_then(|index| index.parse().ok()) {
                Some(index) => key.element(index),
                None => key.join(step),
            }
        });
        match text.strip_prefix(FINAL) {
            Some(text) => Self::Final(key, text),
            None => Self::Serde(key, text),
        }
    }
}
