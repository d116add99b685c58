use chrono::{SubsecRound, Utc};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use weir_feed::Platform;
use weir_lab::FakeFeed;

use crate::cli::print_line;

/// Print a fake ranking request, or a response to it.
#[derive(Debug, Args)]
pub(in crate::cli) struct Fake {
    /// Number of posts.
    #[arg(long, default_value_t = 1)]
    posts: usize,
    /// Number of comments on each post.
    #[arg(long, default_value_t = 0)]
    comments: usize,
    /// facebook, reddit or twitter.
    #[arg(long, short, default_value_t = Platform::Twitter)]
    platform: Platform,
    /// RNG seed for reproducible output, except for the times, which end now; random by default.
    #[arg(long)]
    seed: Option<u64>,
    /// Print a response to the request, with one new item.
    #[arg(long)]
    response: bool,
}

impl Fake {
    pub(in crate::cli) fn run(&self) -> anyhow::Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.unwrap_or_else(rand::random));
        let feed = FakeFeed {
            posts: self.posts,
            comments: self.comments,
            platform: self.platform,
            now: Utc::now().trunc_subsecs(0),
        };
        let request = feed.request(&mut rng);
        if self.response {
            print_line(&serde_json::to_string_pretty(
                &feed.response(&mut rng, &request, 1),
            )?)
        } else {
            print_line(&serde_json::to_string_pretty(&request)?)
        }
    }
}
