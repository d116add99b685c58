use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{config_file, print_error, print_line};
use crate::app::{check_scrapers, prepare_schedules};
use crate::settings::{Settings, SettingsError};

/// Check a settings file without starting.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The file; without it the one that `WEIR_CONFIG` names, else the defaults with the environment over them.
    file: Option<PathBuf>,
}

impl Check {
    /// Prints one line and ends with 0 if the settings are good, else prints everything that is wrong and ends with 1.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match Settings::load(self.file.as_deref()) {
            Ok(loaded) => {
                let settings = config_file::with_warnings(loaded);
                prepare_schedules(&settings)?;
                check_scrapers(&settings)?;
                print_line(&format!("good: {}", summary(&settings)))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(SettingsError::Wrong(problems)) => {
                for problem in problems {
                    print_error(&problem.to_string());
                }
                Ok(ExitCode::FAILURE)
            }
            Err(unreadable) => Err(unreadable.into()),
        }
    }
}

fn summary(settings: &Settings) -> String {
    format!(
        "policy {}, database {}, listens on {}",
        settings.ranking.policy, settings.database.url, settings.server.bind
    )
}
