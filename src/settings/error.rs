//! What is wrong with the settings, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::key::Key;

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
    Wrong(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |lines, problem| {
        format!("{lines}\n  {problem}")
    })
}

/// One wrong setting. Prints as `PLACE: KEY: TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was said; `None` when it follows from a default.
    pub place: Option<Place>,
    /// Which setting; empty for a file that is not TOML.
    pub key: Key,
    /// What is wrong, what was expected. Never a secret.
    pub text: String,
}

/// Where a setting was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.steps().is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
