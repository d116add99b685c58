//! Generated raw data in the formats of the three platforms' exports, of any size and determined by a seed.

mod common;
mod facebook;
mod reddit;
mod twitter;

use std::fs;
use std::path::Path;

use weir_feed::Platform;

pub(crate) use common::newest_post;

use crate::{LabError, Progress};

/// Writes raw files with `posts` posts per platform, and their comments, to the folders `facebook`, `reddit` and `twitter`
/// in `out`.
pub fn generate(seed: u64, posts: u64, out: &Path, progress: &Progress) -> Result<(), LabError> {
    for &platform in Platform::ALL {
        let mut bar = progress.rows(&format!("{platform} posts"), posts);
        let folder = out.join(platform.as_str());
        fs::create_dir_all(&folder).map_err(LabError::file("create", &folder))?;
        match platform {
            Platform::Facebook => facebook::generate(seed, posts, &folder, &mut bar)?,
            Platform::Reddit => reddit::generate(seed, posts, &folder, &mut bar)?,
            Platform::Twitter => twitter::generate(seed, posts, &folder, &mut bar)?,
        }
    }
    Ok(())
}
