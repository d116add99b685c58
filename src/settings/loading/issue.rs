//! Issues of a configuration, where they are, and the words for what serde refuses.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde_json::Value;
use thiserror::Error;

use super::key::Key;
use super::layers;
use crate::settings::ConnectionUrl;

/// Why settings could not be loaded.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings from {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is empty while Weir runs by a file that was not.
    #[error("{} is empty", path.display())]
    Emptied {
        /// The file.
        path: PathBuf,
    },
    /// The settings are wrong: all that was found, not only the first.
    #[error("the settings are wrong{}", lines(.0))]
    Wrong(Vec<ConfigIssue>),
}

fn lines(issues: &[ConfigIssue]) -> String {
    issues
        .iter()
        .fold(String::new(), |lines, issue| format!("{lines}\n  {issue}"))
}

/// One wrong setting. Prints as `LOCATION: KEY: TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigIssue {
    /// Where it was said; `None` when it follows from a default.
    pub location: Option<Location>,
    /// Which setting; empty for a file that is not TOML.
    pub key: Key,
    /// What is wrong, what was expected. Never a secret.
    pub text: String,
}

/// Where a setting was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a file; line and column count from 1, the column in characters.
    File {
        /// The file.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// In this environment variable.
    Variable(String),
}

impl ConfigIssue {
    /// An issue whose location is not looked up yet.
    pub(super) fn new(key: Key, text: String) -> Self {
        Self {
            location: None,
            key,
            text,
        }
    }

    /// Puts serde's refusal of the value at `key` into the words of a settings file.
    pub(super) fn from_serde(key: &Key, refusal: &str, tree: &Value) -> Self {
        if refusal.starts_with("unknown field") {
            return Self::new(key.clone(), unknown_key(key.name(), &known_names(refusal)));
        }
        if let Some(name) = refusal
            .strip_prefix("missing field `")
            .and_then(|rest| rest.split('`').next())
        {
            return Self::new(key.join(name), "missing".to_owned());
        }
        let found = found(key, tree);
        let text = if refusal.starts_with("unknown variant") {
            let known = known_names(refusal);
            let written = key.value(tree).and_then(Value::as_str).unwrap_or_default();
            format!(
                "expected one of {}, found {found}{}",
                known.join(", "),
                did_you_mean(written, &known)
            )
        } else {
            let expected = refusal
                .rsplit_once(", expected ")
                .map_or(refusal, |(_, expected)| expected);
            format!("expected {}, found {found}", in_toml_words(expected))
        };
        Self::new(key.clone(), text)
    }
}

impl fmt::Display for ConfigIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        if !self.key.steps().is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

fn unknown_key(name: &str, known: &[&str]) -> String {
    let elsewhere = layers::section_of(name).map(|section| format!("{section}.{name}"));
    match elsewhere.as_deref().or_else(|| nearest(name, known)) {
        Some(meant) => format!("unknown key; did you mean {meant}?"),
        None => format!("unknown key; known here are {}", known.join(", ")),
    }
}

/// `; did you mean NAME?` if a known name is near, else nothing.
pub(crate) fn did_you_mean(name: &str, known: &[&str]) -> String {
    nearest(name, known)
        .map(|nearest| format!("; did you mean {nearest}?"))
        .unwrap_or_default()
}

fn nearest<'known>(name: &str, known: &[&'known str]) -> Option<&'known str> {
    known
        .iter()
        .map(|known| {
            (
                strsim::normalized_damerau_levenshtein(&name.to_lowercase(), known),
                *known,
            )
        })
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, known)| known)
}

/// The names that serde lists as expected: what stands in backticks after the first, which is the culprit.
fn known_names(refusal: &str) -> Vec<&str> {
    refusal.split('`').skip(1).step_by(2).skip(1).collect()
}

fn in_toml_words(expected: &str) -> &str {
    match expected {
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "path string" | "string or map" => "a string",
        "a map" => "a table",

        other if other.starts_with("struct ") => "a table",
        other => other,
    }
}

fn found(key: &Key, tree: &Value) -> String {
    match key.value(tree) {
        // A URL may hold a password wherever it was written by mistake, such as in location of the table that it belongs in.
        Some(Value::String(text)) if text.contains("://") && !key.is_secret() => {
            format!("{:?}", ConnectionUrl::from(text.as_str()))
        }
        Some(Value::String(text)) if !key.is_secret() => format!("{text:?}"),
        Some(Value::String(_)) => "a string".to_owned(),
        Some(number @ Value::Number(_)) if !key.is_secret() => number.to_string(),
        Some(Value::Number(_)) => "a number".to_owned(),
        Some(Value::Bool(truth)) => truth.to_string(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "a table".to_owned(),
        // JSON, through which the layers pass, has neither infinity nor NaN.
        Some(Value::Null) => "a number that is not finite".to_owned(),
        None => "nothing".to_owned(),
    }
}
