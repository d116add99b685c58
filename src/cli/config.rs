//! The configuration file: the option that names it, and the subcommands that check and rewrite one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::builder::OsStringValueParser;
use clap::{Args, Subcommand};

use super::program::check_programs;
use super::{print_error, print_line};
use crate::app::{check_scrapers, prepare_schedules};
use crate::settings::{Loaded, Migration, Settings, SettingsError};

/// Option that names the configuration of a server.
#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// The configuration file of the server; see docs/configuration.md.
    // The parser of paths would refuse a variable that is empty, which counts as none.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "WEIR_CONFIG",
        value_parser = OsStringValueParser::new()
    )]
    config: Option<OsString>,
}

impl ConfigFile {
    pub(super) fn path(&self) -> Option<PathBuf> {
        let named = self.config.as_ref().filter(|name| !name.is_empty());
        named.map(PathBuf::from)
    }
}

/// Reads the configuration and prints its warnings.
pub(super) fn load(path: Option<&Path>) -> Result<Settings, SettingsError> {
    Settings::load(path).map(with_warnings)
}

/// Prints the warnings, and returns the settings.
pub(super) fn with_warnings(loaded: Loaded) -> Settings {
    for warning in &loaded.warnings {
        print_error(&format!("warning: {warning}"));
    }
    loaded.settings
}

/// Prints everything that is wrong with a configuration; an error if it cannot be read at all.
fn print_problems(error: SettingsError) -> anyhow::Result<ExitCode> {
    let SettingsError::Wrong(problems) = error else {
        return Err(error.into());
    };
    for problem in problems {
        print_error(&problem.to_string());
    }
    Ok(ExitCode::FAILURE)
}

/// Check a settings file without starting.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file; without it the one that `WEIR_CONFIG` names, else the defaults with the environment over them.
    file: Option<PathBuf>,
    /// Start each program that scores, and print what it has, how long it loads and how much memory it takes.
    #[arg(long)]
    programs: bool,
}

impl Check {
    /// Prints one line and ends with 0 if the settings are good, else prints everything that is wrong and ends with 1.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match Settings::load(self.file.as_deref()) {
            Ok(loaded) => {
                let settings = with_warnings(loaded);
                prepare_schedules(&settings)?;
                check_scrapers(&settings)?;
                if self.programs && !check_programs(&settings)? {
                    return Ok(ExitCode::FAILURE);
                }
                print_line(&format!("good: {}", summary(&settings)))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => print_problems(error),
        }
    }
}

fn summary(settings: &Settings) -> String {
    format!(
        "policy {}, database {}, listens on {}",
        settings.ranking.policy, settings.database.url, settings.server.bind
    )
}

/// Work on configuration files.
#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Rewrite a file in place with the present names of keys; comments and formatting stay.
    Migrate {
        /// The configuration file.
        file: PathBuf,
        /// Print what would change and write nothing; the exit code is 1 if something would.
        #[arg(long, visible_alias = "dry-run")]
        check: bool,
    },
}

impl Config {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Migrate { file, check } => migrate(&file, check),
        }
    }
}

fn migrate(file: &Path, check: bool) -> anyhow::Result<ExitCode> {
    let migration = match Migration::plan(file) {
        Ok(migration) => migration,
        Err(error) => return print_problems(error),
    };
    let name = file.display();
    if migration.changes.is_empty() {
        print_line(&format!("{name} needs no change"))?;
        return Ok(ExitCode::SUCCESS);
    }
    for change in &migration.changes {
        print_line(&change.to_string())?;
    }
    if check {
        print_line(&format!("{name} is unchanged"))?;
        return Ok(ExitCode::FAILURE);
    }
    migration
        .apply(file)
        .with_context(|| format!("failed to write {name}"))?;
    print_line(&format!("{name} is rewritten"))?;
    Ok(ExitCode::SUCCESS)
}
