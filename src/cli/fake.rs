use chrono::{SubsecRound, Utc};
use clap::Args;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::print_line;
use weir_feed::Platform;
use weir_feed::fake::FakeFeed;

/// Print a made-up ranking request, or an answer to it.
#[derive(Debug, Args)]
pub(super) struct Fake {
    /// Posts in the feed.
    #[arg(long, default_value_t = 1)]
    posts: usize,
    /// Comments on each post.
    #[arg(long, default_value_t = 0)]
    comments: usize,
    /// facebook, reddit or twitter.
    #[arg(long, short, default_value_t = Platform::Twitter)]
    platform: Platform,
    /// The same seed gives the same request, but for its times, which end now; without it each is another.
    #[arg(long)]
    seed: Option<u64>,
    /// Print an answer to the request, with one new item.
    #[arg(long)]
    response: bool,
}

impl Fake {
    pub(super) fn run(&self) -> anyhow::Result<()> {
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
