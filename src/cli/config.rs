use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{print_error, print_line};
use crate::settings::{Migration, SettingsError};

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
        Err(SettingsError::Wrong(problems)) => {
            for problem in problems {
                print_error(&problem.to_string());
            }
            return Ok(ExitCode::FAILURE);
        }
        Err(unreadable) => return Err(unreadable.into()),
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
