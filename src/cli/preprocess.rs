use std::path::PathBuf;

use clap::Args;

use super::print_line;
use crate::seeding::{self, Progress};
use crate::settings::Settings;

/// Turn raw platform exports into normalised content items, one JSON object a line.
#[derive(Debug, Args)]
pub(super) struct Preprocess {
    /// Folder of the raw files, or of folders facebook, reddit and twitter with them.
    #[arg(long = "in", value_name = "DIR")]
    input: PathBuf,
    /// Folder for facebook.jsonl, reddit.jsonl and twitter.jsonl.
    #[arg(long = "out", value_name = "DIR")]
    output: PathBuf,
    /// Settles every random choice.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    randomseed: u64,
    /// Salt for author names, to have the same hashes again; by default that of the settings, else one of this run.
    #[arg(long, value_name = "SALT")]
    author_salt: Option<String>,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
}

impl Preprocess {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let salt_of_settings = Settings::load(self.config.as_deref())?
            .preprocess
            .author_salt;
        let salt_of_settings = Some(salt_of_settings.expose()).filter(|salt| !salt.is_empty());
        let preprocess = seeding::Preprocess {
            seed: self.randomseed,
            author_salt: self
                .author_salt
                .or_else(|| salt_of_settings.map(str::to_owned)),
            ..seeding::Preprocess::new(self.input, self.output)
        };
        for report in preprocess.run(&Progress::shown())? {
            print_line(&report.to_string())?;
        }
        Ok(())
    }
}
