use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{
    MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::settings::{Check, did_you_mean};

/// Names that `exclude` uses for itself.
const RESERVED: [&str; 2] = ["above", "below"];

/// Outputs of a scorer, in the order of the values of its rows. In a configuration a list of names, or a table of names and
/// kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs(Arc<[Output]>);

/// One output of a scorer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Name, unique among the outputs of the scorer.
    pub name: String,
    /// Type of its values.
    pub kind: OutputKind,
}

/// Type of the values of an output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Numbers, which policies may weigh.
    #[default]
    Number,
    /// Texts, for expressions and data.
    Label,
}

/// Reason why a name stands for no output, or for none that will do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// There is no such scorer.
    #[error("there is no scorer {scorer}{hint}")]
    Scorer {
        /// Name that no scorer has.
        scorer: String,
        /// The nearest name, or all names.
        hint: String,
    },
    /// The scorer has several outputs, and the name leaves open which one is meant.
    #[error("scorer {scorer} has several outputs, expected one of {outputs}")]
    Several {
        /// Name of the scorer.
        scorer: String,
        /// Full names of the outputs.
        outputs: String,
    },
    /// The scorer has no output of this name.
    #[error("scorer {scorer} has no output {output}{hint}")]
    Unknown {
        /// Name of the scorer.
        scorer: String,
        /// Name that it does not have.
        output: String,
        /// The nearest name, or all names.
        hint: String,
    },
    /// The output is a label.
    #[error("{output} is a label, expected a number")]
    Label {
        /// Full name of the output.
        output: String,
    },
}

impl OutputError {
    /// Creates the error of a scorer that is not among `names`.
    pub(crate) fn unknown_scorer(scorer: &str, names: &[&str]) -> Self {
        Self::Scorer {
            scorer: scorer.to_owned(),
            hint: hint(scorer, names, "there are"),
        }
    }
}

/// Returns the known name that is nearest to `name`, or all of them.
fn hint(name: &str, known: &[&str], verb: &str) -> String {
    match did_you_mean(name, known) {
        hint if hint.is_empty() && !known.is_empty() => format!("; {verb} {}", known.join(", ")),
        hint => hint,
    }
}

impl Outputs {
    /// Creates outputs in this order.
    pub fn new<'n>(outputs: impl IntoIterator<Item = (&'n str, OutputKind)>) -> Self {
        let output = |(name, kind): (&str, OutputKind)| Output {
            name: name.to_owned(),
            kind,
        };
        Self(outputs.into_iter().map(output).collect())
    }

    /// Returns the outputs in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Output> {
        self.0.iter()
    }

    /// Returns the number of outputs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are none, which the check of settings refuses.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_one_number(&self) -> bool {
        matches!(&*self.0, [only] if only.kind == OutputKind::Number)
    }

    /// Returns the name by which an output is known outside its scorer: the scorer's, with that of the output behind it if there
    /// are several.
    pub fn full_name(&self, scorer: &str, output: usize) -> String {
        match &*self.0 {
            [_] => scorer.to_owned(),
            outputs => match outputs.get(output) {
                Some(output) => format!("{scorer}.{}", output.name),
                None => scorer.to_owned(),
            },
        }
    }

    /// Returns the index of the output that `SCORER.OUTPUT` or, if it is the only one, `SCORER` stands for.
    pub fn resolve(&self, scorer: &str, output: Option<&str>) -> Result<usize, OutputError> {
        let Some(name) = output else {
            return match &*self.0 {
                [_] => Ok(0),
                _ => Err(OutputError::Several {
                    scorer: scorer.to_owned(),
                    outputs: self.full_names(scorer).join(", "),
                }),
            };
        };
        let found = self.0.iter().position(|output| output.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|output| output.name.as_str()).collect();
            OutputError::Unknown {
                scorer: scorer.to_owned(),
                output: name.to_owned(),
                hint: hint(name, &names, "it has"),
            }
        })
    }

    /// Returns the index of an output that is a number.
    pub(crate) fn resolve_number(
        &self,
        scorer: &str,
        output: Option<&str>,
    ) -> Result<usize, OutputError> {
        let index = self.resolve(scorer, output)?;
        match self.0.get(index).map(|output| output.kind) {
            Some(OutputKind::Label) => Err(OutputError::Label {
                output: self.full_name(scorer, index),
            }),
            _ => Ok(index),
        }
    }

    fn full_names(&self, scorer: &str) -> Vec<String> {
        (0..self.len())
            .map(|output| self.full_name(scorer, output))
            .collect()
    }

    /// Checks names that can be configured; they stand under `key`.
    pub(crate) fn check(&self, check: &mut Check, key: &str) {
        check.require(key, !self.0.is_empty(), || "must not be empty".to_owned());
        let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
        for (index, Output { name, .. }) in self.0.iter().enumerate() {
            check.require(key, !name.is_empty() && name.chars().all(is_plain), || {
                format!("a name is made of letters, digits, _ and -, found {name:?}")
            });
            check.require(key, !RESERVED.contains(&name.as_str()), || {
                format!("an output cannot be called {name}, which is a key of exclude")
            });
            let is_repeated = self.0[..index].iter().any(|other| other.name == *name);
            check.require(key, !is_repeated, || format!("{name} is listed twice"));
        }
    }
}

impl Default for Outputs {
    /// Returns the outputs of a scorer that has one: the number `score`.
    fn default() -> Self {
        Self::new([("score", OutputKind::Number)])
    }
}

impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self
            .0
            .iter()
            .all(|output| output.kind == OutputKind::Number)
        {
            return serializer.collect_seq(self.0.iter().map(|output| &output.name));
        }
        serializer.collect_map(self.0.iter().map(|output| (&output.name, output.kind)))
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutputsVisitor)
    }
}

struct OutputsVisitor;

impl<'de> Visitor<'de> for OutputsVisitor {
    type Value = Outputs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names, or a table of names and \"number\" or \"label\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Outputs, A::Error> {
        let names = Vec::<String>::deserialize(SeqAccessDeserializer::new(names))?;
        Ok(Outputs::new(
            names.iter().map(|name| (name.as_str(), OutputKind::Number)),
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, kinds: A) -> Result<Outputs, A::Error> {
        let kinds = BTreeMap::<String, OutputKind>::deserialize(MapAccessDeserializer::new(kinds))?;
        Ok(Outputs::new(
            kinds.iter().map(|(name, kind)| (name.as_str(), *kind)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn two() -> Outputs {
        Outputs::new([
            ("civic", OutputKind::Number),
            ("bridging", OutputKind::Number),
        ])
    }

    #[test]
    fn a_scorer_alone_stands_for_its_only_output() {
        assert_eq!(Outputs::default().resolve("calm", None), Ok(0));
        assert_eq!(Outputs::default().resolve("calm", Some("score")), Ok(0));
        assert_eq!(Outputs::default().full_name("calm", 0), "calm");
        assert_eq!(two().resolve("mine", Some("bridging")), Ok(1));
        assert_eq!(two().full_name("mine", 1), "mine.bridging");
    }

    #[test]
    fn an_error_names_the_outputs() {
        let message = |output| two().resolve("mine", output).unwrap_err().to_string();
        assert_eq!(
            message(None),
            "scorer mine has several outputs, expected one of mine.civic, mine.bridging"
        );
        assert_eq!(
            message(Some("bridgng")),
            "scorer mine has no output bridgng; did you mean bridging?"
        );
        assert_eq!(
            message(Some("x")),
            "scorer mine has no output x; it has civic, bridging"
        );
    }

    #[test]
    fn names_and_kinds_are_read_and_written_as_a_list_or_a_table() {
        let list = json!(["civic", "bridging"]);
        let read: Outputs = serde_json::from_value(list.clone()).unwrap();
        assert_eq!(read, two());
        assert_eq!(serde_json::to_value(read).unwrap(), list);
        let table = json!({"lang": "label", "score": "number"});
        let read: Outputs = serde_json::from_value(table.clone()).unwrap();
        let expected = [("lang", OutputKind::Label), ("score", OutputKind::Number)];
        assert_eq!(read, Outputs::new(expected));
        assert_eq!(serde_json::to_value(read).unwrap(), table);
    }
}
