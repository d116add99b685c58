use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::scoring::{OutputError, Outputs};
use crate::settings::Check;

/// Settings of outputs: `SCORER = X` for the only output of a scorer, `SCORER.OUTPUT = X` or `"SCORER.OUTPUT" = X`. It keeps the
/// form in which each was written, by which an error finds its line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ByOutput<T>(BTreeMap<String, Entry<T>>);

/// Setting of one output: a number, or a table of numbers.
pub trait OutputSetting: Default {
    /// Keys of the table; none if the setting is a number itself.
    const KEYS: &'static [&'static str];

    /// Sets the number under `key`, or the only one.
    fn set(&mut self, key: &str, number: f64);
}

/// Outputs of the scorers that settings may name.
pub(crate) type ScorerOutputs<'s> = BTreeMap<&'s str, Outputs>;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Entry<T> {
    /// Of the output that the key names.
    One(T),
    /// Of several outputs of the scorer that the key names.
    Several(BTreeMap<String, T>),
}

/// A setting and the output that it is for, as it is written.
#[derive(Debug)]
pub(crate) struct NamedSetting<'s, T> {
    pub(crate) scorer: &'s str,
    /// `None` for the only output.
    pub(crate) output: Option<&'s str>,
    pub(crate) setting: &'s T,
    /// Keys under which it is written.
    path: [Option<&'s str>; 2],
}

impl<T> ByOutput<T> {
    /// Returns the settings with what they are for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NamedSetting<'_, T>> {
        self.0.iter().flat_map(|(key, entry)| {
            let (one, several) = match entry {
                Entry::One(setting) => (Some(setting), None),
                Entry::Several(settings) => (None, Some(settings)),
            };
            let one = one.map(|setting| {
                let (scorer, output) = split(key);
                NamedSetting {
                    scorer,
                    output,
                    setting,
                    path: [None, Some(key)],
                }
            });
            let several = several
                .into_iter()
                .flatten()
                .map(|(output, setting)| NamedSetting {
                    scorer: key,
                    output: Some(output),
                    setting,
                    path: [Some(key), Some(output)],
                });
            one.into_iter().chain(several)
        })
    }

    /// Checks that each setting is for a number that a scorer has, and once; `check_setting` checks the setting under its key.
    pub(crate) fn check(
        &self,
        check: &mut Check,
        scorers: &ScorerOutputs<'_>,
        check_setting: impl Fn(&mut Check, &str, &T),
    ) {
        let mut seen = BTreeSet::new();
        for named in self.iter() {
            let [table, key] = named.path;
            let key = key.unwrap_or_default();
            let mut check_named = |check: &mut Check| {
                check_setting(check, key, named.setting);
                match resolve(scorers, named.scorer, named.output) {
                    Ok(output) => check.require(key, seen.insert((named.scorer, output)), || {
                        "is given twice".to_owned()
                    }),
                    Err(error) => check.require(key, false, || error.to_string()),
                }
            };
            match table {
                Some(table) => check.under(table, check_named),
                None => check_named(check),
            }
        }
    }
}

/// Returns the index of a number among the outputs of a scorer. Its name may be left out if it is the only output.
pub(crate) fn resolve(
    scorers: &ScorerOutputs<'_>,
    scorer: &str,
    output: Option<&str>,
) -> Result<usize, OutputError> {
    let Some(outputs) = scorers.get(scorer) else {
        let names: Vec<&str> = scorers.keys().copied().collect();
        return Err(OutputError::unknown_scorer(scorer, &names));
    };
    outputs.resolve_number(scorer, output)
}

/// Splits `SCORER.OUTPUT`; a name without a dot is a scorer's.
pub(crate) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((scorer, output)) => (scorer, Some(output)),
        None => (name, None),
    }
}

impl<T> Default for ByOutput<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> FromIterator<(String, T)> for ByOutput<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(settings: I) -> Self {
        let entry = |(name, setting)| (name, Entry::One(setting));
        Self(settings.into_iter().map(entry).collect())
    }
}

impl<T, const N: usize> From<[(String, T); N]> for ByOutput<T> {
    fn from(settings: [(String, T); N]) -> Self {
        settings.into_iter().collect()
    }
}

impl OutputSetting for f64 {
    const KEYS: &'static [&'static str] = &[];

    fn set(&mut self, _: &str, number: f64) {
        *self = number;
    }
}

impl<'de, T: OutputSetting> Deserialize<'de> for ByOutput<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

impl<'de, T: OutputSetting> Deserialize<'de> for Entry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ValueOf::<T>::new(None).deserialize(deserializer)? {
            Node::Number(number) => Ok(Self::One(setting("", number))),
            Node::Entry(entry) => Ok(entry),
        }
    }
}

fn setting<T: OutputSetting>(key: &str, number: f64) -> T {
    let mut setting = T::default();
    setting.set(key, number);
    setting
}

/// Reads the value of an entry, or of a key within it. It is read key by key, because the path of a key that is wrong would
/// otherwise be lost.
struct ValueOf<'k, T> {
    key: Option<&'k str>,
    setting: PhantomData<T>,
}

enum Node<T> {
    Number(f64),
    Entry(Entry<T>),
}

impl<'k, T> ValueOf<'k, T> {
    fn new(key: Option<&'k str>) -> Self {
        Self {
            key,
            setting: PhantomData,
        }
    }
}

impl<'de, T: OutputSetting> DeserializeSeed<'de> for ValueOf<'_, T> {
    type Value = Node<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: OutputSetting> Visitor<'de> for ValueOf<'_, T> {
    type Value = Node<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (T::KEYS, self.key) {
            ([], None) => f.write_str("a number, or a table of outputs"),
            ([], Some(_)) => f.write_str("a number"),
            (keys, _) => write!(f, "a table of {}", keys.join(" and ")),
        }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node<T>, E> {
        match self.key {
            _ if T::KEYS.is_empty() => Ok(Node::Number(number)),
            Some(key) if T::KEYS.contains(&key) => Ok(Node::Number(number)),
            Some(key) => Err(E::unknown_field(key, T::KEYS)),
            None => Err(E::invalid_type(Unexpected::Float(number), &self)),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node<T>, E> {
        self.visit_f64(number as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<T>, A::Error> {
        let (mut own, mut outputs) = (None::<T>, BTreeMap::new());
        while let Some(key) = map.next_key::<String>()? {
            match map.next_value_seed(ValueOf::new(Some(&key)))? {
                Node::Number(number) if !T::KEYS.is_empty() => {
                    own.get_or_insert_default().set(&key, number);
                }
                Node::Number(number) => drop(outputs.insert(key, setting("", number))),
                Node::Entry(Entry::One(setting)) => drop(outputs.insert(key, setting)),
                Node::Entry(Entry::Several(_)) => {
                    return Err(A::Error::invalid_type(Unexpected::Map, &self));
                }
            }
        }
        match own {
            Some(own) if outputs.is_empty() => Ok(Node::Entry(Entry::One(own))),
            None if T::KEYS.is_empty() || !outputs.is_empty() => {
                Ok(Node::Entry(Entry::Several(outputs)))
            }
            None => Ok(Node::Entry(Entry::One(T::default()))),
            Some(_) => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::ranking::stages::removal::RemovalRule;

    fn named<T: OutputSetting + Copy>(value: Value) -> Vec<(String, Option<String>, T)> {
        let settings: ByOutput<T> = serde_json::from_value(value).unwrap();
        let owned = |named: NamedSetting<'_, T>| {
            let output = named.output.map(str::to_owned);
            (named.scorer.to_owned(), output, *named.setting)
        };
        settings.iter().map(owned).collect()
    }

    fn refusal<T: OutputSetting>(value: &Value) -> (String, String) {
        let error = serde_path_to_error::deserialize::<_, ByOutput<T>>(value)
            .err()
            .unwrap();
        (error.path().to_string(), error.inner().to_string())
    }

    #[test]
    fn outputs_are_named_by_a_table_or_a_dot() {
        let expected = [
            ("calm".to_owned(), None, 1.0),
            ("civic".to_owned(), Some("bridging".to_owned()), 0.5),
        ];
        for civic in [
            json!({"civic": {"bridging": 0.5}}),
            json!({"civic.bridging": 0.5}),
        ] {
            let mut weights = civic;
            weights["calm"] = json!(1);
            assert_eq!(named::<f64>(weights), expected);
        }
    }

    #[test]
    fn a_table_of_tables_is_one_of_outputs() {
        let rule = RemovalRule {
            below: None,
            above: Some(0.5),
        };
        let one = named::<RemovalRule>(json!({"calm": {"above": 0.5}}));
        assert_eq!(one, [("calm".to_owned(), None, rule)]);
        let output = named::<RemovalRule>(json!({"civic": {"bridging": {"above": 0.5}}}));
        assert_eq!(
            output,
            [("civic".to_owned(), Some("bridging".to_owned()), rule)]
        );
    }

    #[test]
    fn an_error_has_the_path_of_its_key() {
        let (path, text) = refusal::<RemovalRule>(&json!({"calm": {"bellow": 0.5}}));
        assert_eq!(path, "calm.bellow");
        assert!(
            text.starts_with("unknown field `bellow`, expected `below` or `above`"),
            "{text}"
        );
        let (path, text) = refusal::<f64>(&json!({"civic": {"bridging": "much"}}));
        assert_eq!(path, "civic.bridging");
        assert_eq!(text, "invalid type: string \"much\", expected a number");
        let (path, text) = refusal::<RemovalRule>(&json!({"calm": 1}));
        assert_eq!(path, "calm");
        assert!(
            text.ends_with("expected a table of below and above"),
            "{text}"
        );
    }
}
