use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::OsStringValueParser;

use super::print_error;
use crate::settings::{Loaded, Settings, SettingsError};

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
