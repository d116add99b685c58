//! From layers to settings, and rewriting of a file from the version before.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::check::Check;
use super::issue::{ConfigIssue, SettingsError};
use super::key::Key;
use super::layers::{Layers, read_file};
use super::table::Refusal;
use crate::durable_file;
use crate::settings::Settings;

/// Settings as they were read.
#[derive(Debug)]
pub struct Loaded {
    /// The settings, which are right.
    pub settings: Settings,
    /// Keys that were given by their old names.
    pub warnings: Vec<ConfigIssue>,
}

impl Loaded {
    /// Logs the warnings and returns the settings.
    pub fn log_warnings(self) -> Settings {
        for warning in &self.warnings {
            tracing::warn!(%warning, "deprecated name in the settings");
        }
        self.settings
    }
}

impl Settings {
    /// Reads and checks the settings: the defaults, the file at `path` (else the one `WEIR_CONFIG` names, if any), then the
    /// `WEIR__SECTION__KEY` variables. Policies, scorers, programs, schedules and scrapers with `enabled = false` are gone from
    /// the result.
    ///
    /// An error names everything that was found wrong, with its file, line and column, or its variable.
    pub fn load(path: Option<&Path>) -> Result<Loaded, SettingsError> {
        Self::from_layers(&Layers::read(path)?)
    }

    /// Checks what types cannot say, as [`Settings::load`] does; for settings that were made or changed in code.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let mut check = Check::default();
        self.check(&mut check);
        settle(check.issues(), &Layers::default())
    }

    pub(super) fn from_layers(layers: &Layers) -> Result<Loaded, SettingsError> {
        let (settings, mut issues) = read_tree(layers.merged()?, layers);
        if let Some(mut settings) = settings {
            settings.remove_disabled();
            let mut check = Check::default();
            settings.check(&mut check);
            let refused: Vec<Key> = issues.iter().map(|one| one.key.clone()).collect();
            // What could not be read was taken out, and is not missing as well.
            let further = check.issues().into_iter();
            issues.extend(further.filter(|one| !refused.contains(&one.key)));
            settle(issues, layers)?;
            let warnings = layers.renamed(false);
            return Ok(Loaded { settings, warnings });
        }
        Err(wrong(issues, layers))
    }

    fn remove_disabled(&mut self) {
        self.policies.retain(|_, policy| policy.enabled);
        self.scorers.retain(|_, scorer| scorer.scores.enabled);
        self.programs.retain(|_, program| program.enabled);
        self.schedules.retain(|_, schedule| schedule.enabled);
        self.scrapers.retain(|_, scraper| scraper.enabled);
    }
}

/// Reads the tree strictly. What serde refuses is noted and taken out, and the rest is read again, so that all is found.
fn read_tree(mut tree: Value, layers: &Layers) -> (Option<Settings>, Vec<ConfigIssue>) {
    let mut issues = Vec::new();
    loop {
        let refusal = match serde_path_to_error::deserialize(&tree) {
            Ok(settings) => return (Some(settings), issues),
            Err(refusal) => refusal,
        };
        let text = refusal.inner().to_string();
        let refusal = Refusal::parse(Key::from(refusal.path()), &text);
        let key = refusal.key().clone();
        if read_verbatim(&key, &mut tree, layers) {
            continue;
        }
        let issue = match refusal {
            Refusal::Serde(key, text) => ConfigIssue::from_serde(&key, text, &tree),
            Refusal::Final(key, text) => ConfigIssue::new(key, text.to_owned()),
        };
        // A required key that was wrong is missing once it is taken out.
        if issues
            .iter()
            .all(|known: &ConfigIssue| known.key != issue.key)
        {
            issues.push(issue);
        }
        if key.remove(&mut tree).is_none() {
            return (None, issues);
        }
    }
}

/// Variables are parsed as numbers and truths where they look so. Where such a value does not fit, its text may: a key
/// of digits, say. Tells whether there was something to try.
fn read_verbatim(key: &Key, tree: &mut Value, layers: &Layers) -> bool {
    let Some((parsed, verbatim)) = key.value_mut(tree).zip(layers.verbatim(key)) else {
        return false;
    };
    let differs = *parsed != verbatim;
    *parsed = verbatim;
    differs
}

fn settle(issues: Vec<ConfigIssue>, layers: &Layers) -> Result<(), SettingsError> {
    if issues.is_empty() && layers.renamed(true).is_empty() {
        Ok(())
    } else {
        Err(wrong(issues, layers))
    }
}

fn wrong(issues: Vec<ConfigIssue>, layers: &Layers) -> SettingsError {
    let located = issues.into_iter().map(|issue| ConfigIssue {
        location: layers.location(&issue.key),
        ..issue
    });
    SettingsError::Wrong(layers.renamed(true).into_iter().chain(located).collect())
}

/// A settings file with the present names in location of old ones; comments and formatting are as they were.
#[derive(Debug)]
pub struct Migration {
    /// The keys that were renamed, by the names that they had, where they stood.
    pub changes: Vec<ConfigIssue>,
    text: String,
}

impl Migration {
    /// Reads the file at `path`. A key that it gives by both names is an error.
    pub fn plan(path: &Path) -> Result<Self, SettingsError> {
        Self::of_text(path, read_file(path)?)
    }

    pub(super) fn of_text(path: &Path, text: String) -> Result<Self, SettingsError> {
        let has_crlf = text.contains("\r\n");
        let layers = Layers::new(Some((path.to_owned(), text)), &BTreeMap::new())?;
        let twice = layers.renamed(true);
        if !twice.is_empty() {
            return Err(SettingsError::Wrong(twice));
        }
        let mut text = layers.file_with_present_names().unwrap_or_default();
        if has_crlf {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        Ok(Self {
            changes: layers.renamed(false),
            text,
        })
    }

    /// The whole file as it is to be.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the file at `path`, or the one that it links to, as a whole.
    pub fn apply(&self, path: &Path) -> std::io::Result<()> {
        durable_file::replace(&path.canonicalize()?, self.text.as_bytes())
    }
}
