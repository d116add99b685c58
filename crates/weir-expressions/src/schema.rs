use std::collections::BTreeMap;
use std::fmt;

use crate::error::did_you_mean;
use crate::syntax::{Keyword, Name};

/// Words that begin the names of a request's fields and of functions, and so name nothing else.
const RESERVED: [&str; 4] = ["item", "session", "survey", "feed"];

/// Type of a value. A missing value has the type of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A finite 64-bit floating-point number.
    Number,
    /// A Unicode text, compared byte by byte.
    Text,
    /// True or false.
    Boolean,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "a boolean",
        })
    }
}

/// Names that expressions may use, each with its type and the key by which the caller finds its values.
#[derive(Debug, Clone)]
pub struct Schema<K> {
    names: BTreeMap<Name, (Type, K)>,
}

impl<K> Default for Schema<K> {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
        }
    }
}

impl<K> Schema<K> {
    /// Declares a name. The last declaration of a name counts.
    pub fn declare(&mut self, name: Name, kind: Type, key: K) {
        self.names.insert(name, (kind, key));
    }

    /// Returns whether a name is declared.
    pub fn contains(&self, name: &Name) -> bool {
        self.names.contains_key(name)
    }

    /// Returns whether `word` is reserved, so that neither a column nor an undotted input can have it for a name.
    pub fn is_reserved(word: &str) -> bool {
        RESERVED.contains(&word) || Keyword::from_word(word).is_some()
    }

    pub(crate) fn get(&self, name: &Name) -> Option<(Type, &K)> {
        self.names.get(name).map(|(kind, key)| (*kind, key))
    }

    /// Returns the error for a name that is neither declared nor one of `columns`.
    pub(crate) fn unknown<'c>(
        &self,
        name: &Name,
        columns: impl Iterator<Item = &'c str>,
    ) -> String {
        let below = self
            .names
            .keys()
            .filter(|known| known.parts().len() > 1 && known.parts().starts_with(name.parts()));
        let below: Vec<String> = below.map(Name::to_string).collect();
        if !below.is_empty() {
            return format!(
                "{name} is no value by itself: choose one of {}",
                below.join(", ")
            );
        }
        let columns = columns.map(|column| Name::new([column]).to_string());
        let known: Vec<String> = self
            .names
            .keys()
            .map(Name::to_string)
            .chain(columns)
            .collect();
        let nearest = did_you_mean(&name.to_string(), known.iter().map(String::as_str));
        format!("there is no {name}{nearest}")
    }
}
