//! Raw data of the three platforms as their exports have it, made up, the same for the same seed, at any size.

mod authors;
mod facebook;
mod reddit;
mod request;
mod rows;
mod timeline;
mod twitter;

use std::fs;
use std::path::Path;

pub use request::sample_request;

use super::{Progress, SeedingError};
use weir_feed::Platform;

/// Writes the raw files of `posts` posts a platform (and their comments) to the folders `facebook`, `reddit` and `twitter`
/// under `out`, row by row.
pub fn generate(
    seed: u64,
    posts: u64,
    out: &Path,
    progress: &Progress,
) -> Result<(), SeedingError> {
    for &platform in Platform::ALL {
        let mut bar = progress.rows(&format!("{platform} posts"), posts);
        let folder = out.join(platform.as_str());
        fs::create_dir_all(&folder).map_err(SeedingError::file("create", &folder))?;
        match platform {
            Platform::Facebook => facebook::generate(seed, posts, &folder, &mut bar)?,
            Platform::Reddit => reddit::generate(seed, posts, &folder, &mut bar)?,
            Platform::Twitter => twitter::generate(seed, posts, &folder, &mut bar)?,
        }
    }
    Ok(())
}
