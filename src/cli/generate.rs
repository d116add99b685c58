use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::seeding::{self, Progress};
use weir_feed::Platform;

/// Make raw sample data of the three platforms, or example requests.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Generate {
    /// The same seed gives the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Posts on each platform; comments come on top.
    #[arg(long, default_value_t = 300)]
    posts: u64,
    /// Folder for the raw files, one folder in it for each platform.
    #[arg(long, required_unless_present = "requests")]
    out: Option<PathBuf>,
    /// Folder for an example request of each platform.
    #[arg(long)]
    requests: Option<PathBuf>,
}

impl Generate {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if let Some(out) = &self.out {
            seeding::generate(self.seed, self.posts, out, &Progress::shown())?;
        }
        if let Some(folder) = &self.requests {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            for &platform in Platform::ALL {
                let path = folder.join(platform.as_str()).with_extension("json");
                let mut json =
                    serde_json::to_string_pretty(&seeding::sample_request(self.seed, platform))?;
                json.push('\n');
                fs::write(&path, json)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }
}
