use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::OsStringValueParser;

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
