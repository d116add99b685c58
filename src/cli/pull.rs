use std::path::PathBuf;

use chrono::{SubsecRound, Utc};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::print_line;
use crate::seeding;
use weir_feed::Platform;

/// Print a random ranking request made of normalised data.
#[derive(Debug, Args)]
pub(super) struct Pull {
    /// facebook, reddit or twitter.
    #[arg(long, short)]
    platform: Platform,
    /// Items in the request.
    #[arg(long, short = 'n', default_value_t = 100)]
    items: usize,
    /// The same seed gives the same request, but for its time; without it each is another.
    #[arg(long, short = 'r', value_name = "SEED")]
    randomseed: Option<u64>,
    /// Name of the user who reads.
    #[arg(long, short, default_value = "user")]
    username: String,
    /// Folder that `weir preprocess` wrote.
    #[arg(long, value_name = "DIR", default_value = "data/normalised")]
    data: PathBuf,
}

impl Pull {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let path = self.data.join(format!("{}.jsonl", self.platform));
        let mut rng = ChaCha8Rng::seed_from_u64(self.randomseed.unwrap_or_else(rand::random));
        let now = Utc::now().trunc_subsecs(0);
        let request = seeding::pull(
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
