use std::fs;
use std::path::{Path, PathBuf};

use super::super::SeedingError;

const LOOKED_FOR: &str = "fb_news_posts.csv, a reddit*.csv, a twitter*.jsonl or tweets*.jsonl, there or in folders facebook, reddit and twitter";

/// The raw files of one platform.
pub(super) enum RawFiles {
    Facebook {
        posts: PathBuf,
        comments: Option<PathBuf>,
    },
    Reddit {
        table: PathBuf,
    },
    Twitter {
        lines: PathBuf,
    },
}

impl RawFiles {
    /// The platforms that have files in `folder`. None is an error.
    pub(super) fn find(folder: &Path) -> Result<Vec<Self>, SeedingError> {
        let facebook = place(folder, "facebook", &["fb_news_posts"], &["csv"])?.map(|posts| {
            let comments = posts.with_file_name("fb_news_comments.csv");
            let comments = comments.is_file().then_some(comments);
            Self::Facebook { posts, comments }
        });
        let reddit =
            place(folder, "reddit", &["reddit"], &["csv"])?.map(|table| Self::Reddit { table });
        let twitter = place(
            folder,
            "twitter",
            &["twitter", "tweets"],
            &["jsonl", "json"],
        )?;
        let twitter = twitter.map(|lines| Self::Twitter { lines });
        let found: Vec<_> = [facebook, reddit, twitter].into_iter().flatten().collect();
        if found.is_empty() {
            return Err(SeedingError::NoInput {
                path: folder.to_owned(),
                looked_for: LOOKED_FOR,
            });
        }
        Ok(found)
    }
}

/// The first file, by name, that begins and ends as wanted, in `folder` or in its folder `platform`.
fn place(
    folder: &Path,
    platform: &str,
    stems: &[&str],
    endings: &[&str],
) -> Result<Option<PathBuf>, SeedingError> {
    let mut found = Vec::new();
    for folder in [folder.to_owned(), folder.join(platform)] {
        if !folder.is_dir() && folder.ends_with(platform) {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(SeedingError::file("read", &folder))? {
            let path = entry.map_err(SeedingError::file("read", &folder))?.path();
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or_default();
            let ending = path
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or_default();
            if path.is_file()
                && endings.contains(&ending)
                && stems.iter().any(|wanted| stem.starts_with(wanted))
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found.into_iter().next())
}
