use std::path::PathBuf;

use clap::Args;
use weir_lab::Progress;

use crate::cli::{config, print_line};

/// Turn raw exports into normalised items, one JSON object per line.
#[derive(Debug, Args)]
pub(in crate::cli) struct Preprocess {
    /// Folder of the raw files, or of folders facebook, reddit and twitter with them.
    #[arg(long = "in", value_name = "DIR")]
    input: PathBuf,
    /// Folder for facebook.jsonl, reddit.jsonl and twitter.jsonl.
    #[arg(long = "out", value_name = "DIR")]
    output: PathBuf,
    /// RNG seed.
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    randomseed: u64,
    /// Salt of the author names' hashes, for reproducible output; by default that of the settings, or a random one.
    #[arg(long, value_name = "SALT")]
    author_salt: Option<String>,
    /// The configuration file; see docs/configuration.md.
    #[arg(long, value_name = "FILE", env = "WEIR_CONFIG")]
    config: Option<PathBuf>,
}

impl Preprocess {
    pub(in crate::cli) fn run(self) -> anyhow::Result<()> {
        let salt_of_settings = config::load(self.config.as_deref())?.preprocess.author_salt;
        let salt_of_settings = Some(salt_of_settings.expose()).filter(|salt| !salt.is_empty());
        let preprocess = weir_lab::Preprocess {
            seed: self.randomseed,
            author_salt: self
                .author_salt
                .or_else(|| salt_of_settings.map(str::to_owned)),
            ..weir_lab::Preprocess::new(self.input, self.output)
        };
        for report in preprocess.run(&Progress::shown())? {
            print_line(&report.to_string())?;
        }
        Ok(())
    }
}
