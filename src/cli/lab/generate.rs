use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use weir_feed::Platform;
use weir_lab::Progress;

/// Generate raw data in the export formats of the three platforms, or sample requests.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(in crate::cli) struct Generate {
    /// RNG seed; the same seed gives the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of posts on each platform, without comments.
    #[arg(long, default_value_t = 300)]
    posts: u64,
    /// Folder for the raw files, in a folder for each platform.
    #[arg(long, required_unless_present = "requests")]
    out: Option<PathBuf>,
    /// Folder for a sample request of each platform.
    #[arg(long)]
    requests: Option<PathBuf>,
}

impl Generate {
    pub(in crate::cli) fn run(&self) -> anyhow::Result<()> {
        if let Some(out) = &self.out {
            weir_lab::generate(self.seed, self.posts, out, &Progress::shown())?;
        }
        if let Some(folder) = &self.requests {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            for &platform in Platform::ALL {
                let path = folder.join(platform.as_str()).with_extension("json");
                let mut json =
                    serde_json::to_string_pretty(&weir_lab::sample_request(self.seed, platform))?;
                json.push('\n');
                fs::write(&path, json)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
        }
        Ok(())
    }
}
