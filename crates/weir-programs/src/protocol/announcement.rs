use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::PROTOCOL;
use crate::spec::ExpectedScorer;

/// Longest name of a scorer, a job, a source or an output, in characters.
const NAME_CHARS: usize = 100;
/// Longest version, in characters.
const VERSION_CHARS: usize = 200;
/// Most requests that a process may have in flight.
const MOST_CONCURRENCY: usize = 1_000;

/// Scorers, jobs and sources of a program: its response to `initialize`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Announcement {
    /// Version of the protocol.
    pub protocol: String,
    /// Name that the program gives itself.
    #[serde(default)]
    pub name: String,
    /// Version of the program, part of the cache key of its scores.
    pub version: String,
    /// Most requests in flight.
    #[serde(default = "one")]
    pub concurrency: usize,
    /// Scorers by name.
    #[serde(default)]
    pub scorers: BTreeMap<String, AnnouncedScorer>,
    /// Jobs by name.
    #[serde(default)]
    pub jobs: BTreeMap<String, AnnouncedJob>,
    /// Sources by name.
    #[serde(default)]
    pub sources: BTreeMap<String, AnnouncedSource>,
}

/// Scorer of a program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AnnouncedScorer {
    /// Names of its columns.
    #[serde(default = "score")]
    pub outputs: Vec<String>,
    /// Fields that it gets.
    #[serde(default = "title_and_text")]
    pub reads: Vec<String>,
}

/// Job of a program.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AnnouncedJob {
    /// JSON Schema of its arguments.
    pub schema: Map<String, Value>,
    /// Further attempts after one that failed.
    pub retries: Option<u32>,
    /// Time of one attempt, in milliseconds.
    pub time_limit_ms: Option<u64>,
    /// Key that the result is stored under as well.
    pub result_key: Option<String>,
    /// Time for which it is kept there, in milliseconds.
    pub result_ttl_ms: Option<u64>,
}

/// Source of a program.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AnnouncedSource {
    /// JSON Schema of its arguments.
    pub schema: Map<String, Value>,
}

fn one() -> usize {
    1
}

fn score() -> Vec<String> {
    vec!["score".to_owned()]
}

fn title_and_text() -> Vec<String> {
    vec!["text".to_owned(), "title".to_owned()]
}

/// An announcement does not fit. The texts may be shown anywhere: no post has been sent yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncementError {
    /// The response has another shape.
    #[error("the response to initialize does not fit: {0}")]
    Shape(String),
    /// Another version of the protocol.
    #[error("the program speaks {0:?}, expected {PROTOCOL:?}")]
    Protocol(String),
    /// A value outside its bounds.
    #[error("{field} is {found}, expected {expected}")]
    Value {
        /// The field.
        field: String,
        /// Number found.
        found: String,
        /// Greatest number allowed.
        expected: &'static str,
    },
    /// A scorer that the configuration names is missing.
    #[error("the program has no scorer {name:?}; it has {}", list(.known))]
    NoScorer {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A scorer has other outputs than configured.
    #[error("the scorer {scorer:?} has the outputs {}, the configuration says {}", list(.found), list(.expected))]
    Outputs {
        /// The scorer.
        scorer: String,
        /// Outputs of the program.
        found: Vec<String>,
        /// Outputs of the configuration.
        expected: Vec<String>,
    },
    /// A scorer reads a field that there is not, or that it may not see.
    #[error("the scorer {scorer:?} reads {field:?}, it may read {}{}", list(.readable), blind(.field))]
    Reads {
        /// The scorer.
        scorer: String,
        /// The field.
        field: String,
        /// Fields that it may read.
        readable: Vec<String>,
    },
}

/// A hint for fields that say which arm a user is in.
fn blind(field: &str) -> &'static str {
    if field.starts_with("session.cohort") {
        "; with unblind = true in its table also the cohort"
    } else {
        ""
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

impl Announcement {
    /// Reads and checks the response to `initialize`. `expected` are the scorers that must be there.
    pub(crate) fn read(
        result: &str,
        expected: &BTreeMap<String, ExpectedScorer>,
    ) -> Result<Self, AnnouncementError> {
        #[derive(Deserialize)]
        struct Version {
            protocol: String,
        }
        let shape = |error: serde_json::Error| AnnouncementError::Shape(error.to_string());
        // First of all, since another version may have another shape.
        let Version { protocol } = serde_json::from_str(result).map_err(shape)?;
        if protocol != PROTOCOL {
            return Err(AnnouncementError::Protocol(cut(&protocol)));
        }
        let announcement: Self = serde_json::from_str(result).map_err(shape)?;
        announcement.check_values()?;
        for (name, scorer) in expected {
            announcement.check_scorer(name, scorer)?;
        }
        Ok(announcement)
    }

    fn check_values(&self) -> Result<(), AnnouncementError> {
        let wrong = |field: String, found: String, expected| {
            Err(AnnouncementError::Value {
                field,
                found,
                expected,
            })
        };
        if !(1..=VERSION_CHARS).contains(&self.version.chars().count()) {
            let characters = format!("of {} characters", self.version.chars().count());
            return wrong("version".to_owned(), characters, "1 to 200 characters");
        }
        if !(1..=MOST_CONCURRENCY).contains(&self.concurrency) {
            let found = self.concurrency.to_string();
            return wrong("concurrency".to_owned(), found, "1 to 1000");
        }
        let names = self.scorers.keys().chain(self.jobs.keys());
        for name in names.chain(self.sources.keys()) {
            if !is_name(name) {
                return wrong("a name".to_owned(), format!("{:?}", cut(name)), NAME);
            }
        }
        for (scorer, AnnouncedScorer { outputs, .. }) in &self.scorers {
            let field = format!("scorers.{scorer}.outputs");
            if outputs.is_empty() {
                return wrong(field, "empty".to_owned(), "at least one output");
            }
            for (index, output) in outputs.iter().enumerate() {
                let reserved = output == "below" || output == "above";
                if reserved || !is_name(output) || outputs[..index].contains(output) {
                    let expected =
                        "names of letters, digits, _ and -, each once, but \"below\" and \"above\"";
                    return wrong(field, format!("{:?}", cut(output)), expected);
                }
            }
        }
        Ok(())
    }

    fn check_scorer(&self, name: &str, expected: &ExpectedScorer) -> Result<(), AnnouncementError> {
        let Some(scorer) = self.scorers.get(name) else {
            return Err(AnnouncementError::NoScorer {
                name: name.to_owned(),
                known: self.scorers.keys().cloned().collect(),
            });
        };
        let sorted = |outputs: &[String]| {
            let mut outputs = outputs.to_vec();
            outputs.sort_unstable();
            outputs
        };
        if sorted(&scorer.outputs) != sorted(&expected.outputs) {
            return Err(AnnouncementError::Outputs {
                scorer: name.to_owned(),
                found: scorer.outputs.clone(),
                expected: expected.outputs.clone(),
            });
        }
        match scorer.reads.iter().find(|field| !expected.may_read(field)) {
            None => Ok(()),
            Some(field) => Err(AnnouncementError::Reads {
                scorer: name.to_owned(),
                field: cut(field),
                readable: expected.readable.clone(),
            }),
        }
    }
}

const NAME: &str = "1 to 100 letters, digits, _ and -, a letter or _ first";

fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && name.len() <= NAME_CHARS
        && name
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-')
}

fn cut(text: &str) -> String {
    text.chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(outputs: &[&str]) -> BTreeMap<String, ExpectedScorer> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let scorer = ExpectedScorer {
            outputs: owned(outputs),
            readable: owned(&["text", "title", "survey.*"]),
        };
        [("civic".to_owned(), scorer)].into()
    }

    fn error(result: &str, outputs: &[&str]) -> String {
        let read = Announcement::read(result, &expected(outputs));
        read.unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let least = r#"{"protocol": "weir-program/1", "version": "1", "scorers": {"civic": {}}}"#;
        let read = Announcement::read(least, &expected(&["score"])).unwrap();
        assert_eq!((read.concurrency, read.name.as_str()), (1, ""));
        assert_eq!(read.scorers["civic"].reads, ["text", "title"]);
    }

    #[test]
    fn outputs_may_come_in_any_order_but_must_be_those_of_the_configuration() {
        let program = r#"{"protocol": "weir-program/1", "version": "1", "scorers": {"civic": {"outputs": ["a", "b"]}}}"#;
        assert!(Announcement::read(program, &expected(&["b", "a"])).is_ok());
        assert_eq!(
            error(program, &["a"]),
            "the scorer \"civic\" has the outputs a, b, the configuration says a"
        );
    }

    #[test]
    fn a_field_that_a_scorer_may_not_read_is_named() {
        let reads = |field| {
            let scorer = format!(r#"{{"outputs": ["a"], "reads": ["text", "{field}"]}}"#);
            format!(
                r#"{{"protocol": "weir-program/1", "version": "1", "scorers": {{"civic": {scorer}}}}}"#
            )
        };
        assert!(Announcement::read(&reads("survey.age"), &expected(&["a"])).is_ok());
        assert_eq!(
            error(&reads("session.cohort"), &["a"]),
            "the scorer \"civic\" reads \"session.cohort\", it may read text, title, survey.*; with unblind = true in its table also the cohort"
        );
    }

    #[test]
    fn another_version_is_named_whatever_the_shape_of_the_rest() {
        let next = r#"{"protocol": "weir-program/2", "scorers": 7}"#;
        assert_eq!(
            error(next, &["a"]),
            "the program speaks \"weir-program/2\", expected \"weir-program/1\""
        );
    }

    #[test]
    fn values_outside_their_bounds_are_named() {
        for (fields, field) in [
            (r#""version": "", "scorers": {}"#, "version"),
            (r#""version": "1", "concurrency": 0"#, "concurrency"),
            (r#""version": "1", "jobs": {"a b": {}}"#, "a name"),
            (
                r#""version": "1", "scorers": {"s": {"outputs": []}}"#,
                "scorers.s.outputs",
            ),
            (
                r#""version": "1", "scorers": {"s": {"outputs": ["above"]}}"#,
                "scorers.s.outputs",
            ),
        ] {
            let error = error(
                &format!(r#"{{"protocol": "weir-program/1", {fields}}}"#),
                &[],
            );
            assert!(error.starts_with(field), "{error}");
        }
        let none = r#"{"protocol": "weir-program/1", "version": "1"}"#;
        assert_eq!(
            error(none, &["a"]),
            "the program has no scorer \"civic\"; it has none"
        );
    }
}
