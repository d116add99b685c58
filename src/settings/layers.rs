//! The layers: read, laid one over the other, and asked who said what.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::env;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, TableLike};

use super::error::{Place, Problem, SettingsError};
use super::key::Key;
use super::span;
use crate::regular_file;

/// The first layer: every key with its default.
pub(super) const DEFAULT: &str = include_str!("../../config/default.toml");

/// Longest settings file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const PREFIX: &str = "WEIR__";

/// Keys whose variables are lists, separated by commas.
pub(super) const LISTS: [&str; 6] = [
    "server.cors_origins",
    "results.shared_keys",
    "auth.rank",
    "auth.ingest",
    "auth.admin",
    "auth.open",
];

/// A file and the environment, to be laid over the defaults.
#[derive(Default)]
pub(super) struct Layers {
    file: Option<(PathBuf, String)>,
    variables: BTreeMap<String, String>,
}

impl Layers {
    /// Reads the file, or the one that `WEIR_CONFIG` names, and this process's environment.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, SettingsError> {
        let named = env::var_os("WEIR_CONFIG")
            .filter(|name| !name.is_empty())
            .map(PathBuf::from);
        match path.map(Path::to_owned).or(named) {
            Some(path) => Self::with_file(read_file(&path)?, path),
            None => Ok(Self {
                file: None,
                variables: variables()?,
            }),
        }
    }

    /// The text of a file that was read already, under this process's environment.
    pub(super) fn with_file(text: String, path: PathBuf) -> Result<Self, SettingsError> {
        Ok(Self {
            file: Some((path, text)),
            variables: variables()?,
        })
    }

    #[cfg(test)]
    pub(super) fn new(file: Option<&str>, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            file: file.map(|text| (PathBuf::from("weir.toml"), text.to_owned())),
            variables: variables.iter().map(owned).collect(),
        }
    }

    /// All layers in one tree, unchecked. Table is laid over table, but for a schedule's `args`, which are one value.
    pub(super) fn merged(&self) -> Result<Value, SettingsError> {
        let defaults = self
            .file
            .as_ref()
            .map_or(DEFAULT.into(), |(_, text)| defaults_under(text));
        let mut layers = Config::builder().add_source(File::from_str(&defaults, FileFormat::Toml));
        if let Some((path, text)) = &self.file {
            let file = Config::builder()
                .add_source(File::from_str(text, FileFormat::Toml))
                .build();
            layers = layers.add_source(file.map_err(|refusal| not_toml(path, text, &refusal))?);
        }
        let variables: HashMap<_, _> = self.variables.clone().into_iter().collect();
        let mut environment = Environment::with_prefix("WEIR")
            .separator("__")
            .ignore_empty(true)
            .try_parsing(true)
            .list_separator(",")
            .source(Some(variables));
        for list in LISTS {
            environment = environment.with_list_parse_key(list);
        }
        let tree = layers
            .add_source(environment)
            .build()
            .and_then(Config::try_deserialize);
        tree.map_err(|refusal| {
            SettingsError::Wrong(vec![Problem {
                place: None,
                key: Key::default(),
                text: refusal.to_string(),
            }])
        })
    }

    /// What a variable says of `key`, not parsed: the text, or the list of texts where a list belongs.
    pub(super) fn verbatim(&self, key: &Key) -> Option<Value> {
        let (_, text) = self
            .variables
            .iter()
            .find(|(name, _)| variable_key(name) == *key)?;
        let is_list = LISTS.contains(&key.to_string().as_str());
        Some(if is_list {
            text.split(',').collect()
        } else {
            Value::from(text.as_str())
        })
    }

    /// Where `key` was said: the last layer that speaks of it, or of what is around it.
    pub(super) fn place(&self, key: &Key) -> Option<Place> {
        let variable = self
            .variables
            .keys()
            .find(|name| variable_key(name).overlaps(key));
        if let Some(name) = variable {
            return Some(Place::Variable(name.clone()));
        }
        let (path, text) = self.file.as_ref()?;
        span::of_key(text, key).map(|offset| span::place(path, text, offset))
    }
}

/// The section that by default holds a key or table of this name.
pub(super) fn section_of(name: &str) -> Option<String> {
    let defaults = Layers::default().merged().ok()?;
    let holds = |section: &Value| section.get(name).is_some();
    let (section, _) = defaults
        .as_object()?
        .iter()
        .find(|(_, section)| holds(section))?;
    Some(section.clone())
}

/// What a file gives anew in a schedule, and what goes with the default's: arguments are those of one job, and a
/// schedule has one timetable.
const REPLACED: [(&str, &str); 2] = [("args", "args"), ("cron", "every")];

/// The default layer without what the file replaces as a whole. A file that is no TOML is refused later.
fn defaults_under(file: &str) -> Cow<'static, str> {
    let (Ok(mut defaults), Ok(file)) =
        (DEFAULT.parse::<DocumentMut>(), file.parse::<DocumentMut>())
    else {
        return DEFAULT.into();
    };
    let schedules = file.get("schedules").and_then(Item::as_table_like);
    for (name, schedule) in schedules.into_iter().flat_map(TableLike::iter) {
        let default = defaults["schedules"]
            .get_mut(name)
            .and_then(Item::as_table_like_mut);
        let Some(default) = default else { continue };
        for (given, replaced) in REPLACED {
            if schedule.get(given).is_some() {
                default.remove(replaced);
            }
        }
    }
    defaults.to_string().into()
}

/// Reads a settings file; see [`regular_file`] for what is refused.
pub(super) fn read_file(path: &Path) -> Result<String, SettingsError> {
    regular_file::read_to_string(path, MAX_FILE_BYTES).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn variables() -> Result<BTreeMap<String, String>, SettingsError> {
    let ours = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty());
    let mut variables = BTreeMap::new();
    let mut problems = Vec::new();
    for (name, value) in ours {
        match value.into_string() {
            Ok(value) => drop(variables.insert(name, value)),
            Err(_) => problems.push(Problem {
                key: variable_key(&name),
                place: Some(Place::Variable(name)),
                text: "is not Unicode".to_owned(),
            }),
        }
    }
    if problems.is_empty() {
        Ok(variables)
    } else {
        Err(SettingsError::Wrong(problems))
    }
}

fn variable_key(name: &str) -> Key {
    let name = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    name.split("__").collect()
}

fn not_toml(path: &Path, text: &str, refusal: &config::ConfigError) -> SettingsError {
    let (offset, text_of_refusal) = span::of_syntax_error(text).unwrap_or((0, refusal.to_string()));
    SettingsError::Wrong(vec![Problem {
        place: Some(span::place(path, text, offset)),
        key: Key::default(),
        text: format!("not TOML: {text_of_refusal}"),
    }])
}
