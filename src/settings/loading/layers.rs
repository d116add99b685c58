//! The layers: read, laid one over the other, and asked who said what.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use config::{Config, Environment, FileFormat};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, TableLike};

use super::issue::{ConfigIssue, Location, SettingsError};
use super::key::{Key, Step};
use super::renames::{self, Renamed};
use super::span;
use crate::regular_file;

/// The first layer: every key with its default.
pub(super) const DEFAULT: &str = include_str!("../../../config/default.toml");

/// Longest settings file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

const PREFIX: &str = "WEIR__";

/// Keys whose variables are lists, separated by commas.
pub(super) const LISTS: [&str; 6] = [
    "server.cors_origins",
    "store.shared_keys",
    "auth.rank",
    "auth.ingest",
    "auth.admin",
    "auth.open",
];

/// A file and the environment, to be laid over the defaults. Old names are replaced in both.
#[derive(Default)]
pub(super) struct Layers {
    file: Option<File>,
    variables: Vec<Variable>,
    renamed: Vec<(Location, Renamed)>,
}

struct File {
    path: PathBuf,
    /// As it was written.
    text: String,
    document: DocumentMut,
}

struct Variable {
    name: String,
    /// Its key by the present name.
    key: Key,
    text: String,
}

impl Layers {
    /// Reads the file, or the one that `WEIR_CONFIG` names, and this process's environment.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, SettingsError> {
        let named = env::var_os("WEIR_CONFIG")
            .filter(|name| !name.is_empty())
            .map(PathBuf::from);
        match path.map(Path::to_owned).or(named) {
            Some(path) => Self::with_file(read_file(&path)?, path),
            None => Self::new(None, &variables()?),
        }
    }

    /// The text of a file that was read already, under this process's environment.
    pub(super) fn with_file(text: String, path: PathBuf) -> Result<Self, SettingsError> {
        Self::new(Some((path, text)), &variables()?)
    }

    pub(super) fn new(
        file: Option<(PathBuf, String)>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        for (name, text) in variables {
            layers.add_variable(name, text);
        }
        for (_, renamed) in &mut layers.renamed {
            let of_this_key = layers.variables.iter().filter(|one| one.key == renamed.new);
            renamed.is_twice = of_this_key.count() > 1;
        }
        if let Some((path, text)) = file {
            layers.add_file(path, text)?;
        }
        Ok(layers)
    }

    fn add_variable(&mut self, name: &str, text: &str) {
        let key = variable_key(name);
        let (key, text) = match renames::apply_to_variable(&key, text) {
            None => (key, text.to_owned()),
            Some((renamed, text)) => {
                let key = renamed.new.clone();
                let location = Location::Variable(name.to_owned());
                self.renamed.push((location, renamed));
                (key, text)
            }
        };
        self.variables.push(Variable {
            name: name.to_owned(),
            key,
            text,
        });
    }

    fn add_file(&mut self, path: PathBuf, text: String) -> Result<(), SettingsError> {
        let mut document: DocumentMut = text.parse().map_err(|_| not_toml(&path, &text))?;
        for renamed in renames::apply(&mut document) {
            let offset = span::of_key(&text, &renamed.old).unwrap_or(0);
            self.renamed
                .push((span::location(&path, &text, offset), renamed));
        }
        self.file = Some(File {
            path,
            text,
            document,
        });
        Ok(())
    }

    /// Returns the text of the file with the present names.
    pub(super) fn file_with_present_names(&self) -> Option<String> {
        Some(self.file.as_ref()?.document.to_string())
    }

    /// All layers in one tree, unchecked. Table is laid over table, but for a schedule's `args`, which are one value.
    pub(super) fn merged(&self) -> Result<Value, SettingsError> {
        let document = self.file.as_ref().map(|file| &file.document);
        let defaults = document.map_or(DEFAULT.into(), defaults_under);
        let toml = |text: &str| config::File::from_str(text, FileFormat::Toml);
        let mut layers = Config::builder().add_source(toml(&defaults));
        if let Some(document) = document {
            layers = layers.add_source(toml(&document.to_string()));
        }
        let variables = self
            .variables
            .iter()
            .map(|variable| (variable_name(&variable.key), variable.text.clone()));
        let mut environment = Environment::with_prefix("WEIR")
            .separator("__")
            .ignore_empty(true)
            .try_parsing(true)
            .list_separator(",")
            .source(Some(variables.collect()));
        for list in LISTS {
            environment = environment.with_list_parse_key(list);
        }
        let tree = layers
            .add_source(environment)
            .build()
            .and_then(Config::try_deserialize);
        tree.map_err(|refusal| {
            SettingsError::Wrong(vec![ConfigIssue {
                location: None,
                key: Key::default(),
                text: refusal.to_string(),
            }])
        })
    }

    /// What was given by an old name: with the new one beside it (`is_twice`) or alone.
    pub(super) fn renamed(&self, is_twice: bool) -> Vec<ConfigIssue> {
        let all = self.renamed.iter();
        all.filter(|(_, renamed)| renamed.is_twice == is_twice)
            .map(|(location, renamed)| ConfigIssue {
                location: Some(location.clone()),
                key: renamed.old.clone(),
                text: renamed.text(),
            })
            .collect()
    }

    /// What a variable says of `key`, not parsed: the text, or the list of texts where a list belongs.
    pub(super) fn verbatim(&self, key: &Key) -> Option<Value> {
        let text = &self.variables.iter().find(|one| one.key == *key)?.text;
        let is_list = LISTS.contains(&key.to_string().as_str());
        Some(if is_list {
            text.split(',').collect()
        } else {
            Value::from(text.as_str())
        })
    }

    /// Where `key` was said: the last layer that speaks of it, or of what is around it.
    pub(super) fn location(&self, key: &Key) -> Option<Location> {
        let variable = self.variables.iter().find(|one| one.key.overlaps(key));
        if let Some(variable) = variable {
            return Some(Location::Variable(variable.name.clone()));
        }
        let file = self.file.as_ref()?;
        span::of_key(&file.text, key).map(|offset| span::location(&file.path, &file.text, offset))
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

/// What a file gives anew in a table, and what of the default's it takes away: arguments are those of one job, a schedule has one
/// timetable, and a policy has one way to order.
const REPLACED: [(&str, &str, &str); 3] = [
    ("schedules", "args", "args"),
    ("schedules", "cron", "every"),
    ("policies", "order", "weights"),
];

/// The default layer without what the file replaces as a whole.
fn defaults_under(file: &DocumentMut) -> Cow<'static, str> {
    let Ok(mut defaults) = DEFAULT.parse::<DocumentMut>() else {
        return DEFAULT.into();
    };
    for (section, given, replaced) in REPLACED {
        for name in names_with(file, section, given) {
            if let Some(default) = defaults[section]
                .get_mut(name)
                .and_then(Item::as_table_like_mut)
            {
                default.remove(replaced);
            }
        }
    }
    for name in names_with(file, "policies", "order") {
        defaults["policies"][name]["entity_weight"] = toml_edit::value(0.0);
    }
    defaults.to_string().into()
}

/// Returns the names of the tables of a section that have a key.
fn names_with<'f>(
    file: &'f DocumentMut,
    section: &str,
    key: &str,
) -> impl Iterator<Item = &'f str> {
    let tables = file.get(section).and_then(Item::as_table_like);
    let tables = tables.into_iter().flat_map(TableLike::iter);
    let having = tables.filter(move |(_, table)| table.get(key).is_some());
    having.map(|(name, _)| name)
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
    let mut issues = Vec::new();
    for (name, value) in ours {
        match value.into_string() {
            Ok(value) => drop(variables.insert(name, value)),
            Err(_) => issues.push(ConfigIssue {
                key: variable_key(&name),
                location: Some(Location::Variable(name)),
                text: "is not Unicode".to_owned(),
            }),
        }
    }
    if issues.is_empty() {
        Ok(variables)
    } else {
        Err(SettingsError::Wrong(issues))
    }
}

fn variable_key(name: &str) -> Key {
    let name = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase();
    name.split("__").collect()
}

fn variable_name(key: &Key) -> String {
    let steps = key.steps().iter().filter_map(|step| match step {
        Step::Name(name) => Some(name.as_str()),
        Step::Index(_) => None,
    });
    format!("{PREFIX}{}", steps.collect::<Vec<_>>().join("__"))
}

fn not_toml(path: &Path, text: &str) -> SettingsError {
    let (offset, why) = span::of_syntax_error(text).unwrap_or_default();
    SettingsError::Wrong(vec![ConfigIssue {
        location: Some(span::location(path, text, offset)),
        key: Key::default(),
        text: format!("not TOML: {why}"),
    }])
}
