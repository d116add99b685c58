use std::path::PathBuf;

use clap::Args;

use super::print_line;
use crate::seeding::{self, Progress};

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
    /// Salt for author names, to have the same hashes again; by default each run has its own.
    #[arg(long, value_name = "SALT")]
    author_salt: Option<String>,
}

impl Preprocess {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let preprocess = seeding::Preprocess {
            seed: self.randomseed,
            author_salt: self.author_salt,
            ..seeding::Preprocess::new(self.input, self.output)
        };
        for report in preprocess.run(&Progress::shown())? {
            print_line(&report.to_string())?;
        }
        Ok(())
    }
}
