use std::path::PathBuf;

use chrono::{SubsecRound, Utc};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir_feed::Platform;

use crate::cli::print_line;

/// Print a ranking request of random normalised items.
#[derive(Debug, Args)]
pub(in crate::cli) struct Pull {
    /// facebook, reddit or twitter.
    #[arg(long, short)]
    platform: Platform,
    /// Number of items.
    #[arg(long, short = 'n', default_value_t = 100)]
    items: usize,
    /// RNG seed for reproducible output, except for the time; random by default.
    #[arg(long, short = 'r', value_name = "SEED")]
    randomseed: Option<u64>,
    /// Name of the user.
    #[arg(long, short, default_value = "user")]
    username: String,
    /// Folder that `weir preprocess` wrote.
    #[arg(long, value_name = "DIR", default_value = "data/normalised")]
    data: PathBuf,
}

impl Pull {
    pub(in crate::cli) fn run(&self) -> anyhow::Result<()> {
        let path = self.data.join(format!("{}.jsonl", self.platform));
        let mut rng = ChaCha8Rng::seed_from_u64(self.randomseed.unwrap_or_else(rand::random));
        let now = Utc::now().trunc_subsecs(0);
        let request = weir_lab::pull(
            &path,
            self.platform,
            self.items,
            &self.username,
            now,
            &mut rng,
        )?;
        print_line(&serde_json::to_string_pretty(&request)?)
    }
}
