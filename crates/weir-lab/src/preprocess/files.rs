use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use weir_feed::{ContentItem, Platform};

use crate::LabError;

const RAW_FILE_NAMES: &str = "fb_news_posts.csv, a reddit*.csv, a twitter*.jsonl or tweets*.jsonl, there or in folders facebook, reddit and twitter";

/// Raw files of one platform.
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
    /// Returns the files of each platform that has some in `folder`, or an error if none has.
    pub(super) fn find(folder: &Path) -> Result<Vec<Self>, LabError> {
        let facebook = find_file(folder, "facebook", &["fb_news_posts"], &["csv"])?.map(|posts| {
            let comments = posts.with_file_name("fb_news_comments.csv");
            let comments = comments.is_file().then_some(comments);
            Self::Facebook { posts, comments }
        });
        let reddit =
            find_file(folder, "reddit", &["reddit"], &["csv"])?.map(|table| Self::Reddit { table });
        let prefixes = ["twitter", "tweets"];
        let twitter = find_file(folder, "twitter", &prefixes, &["jsonl", "json"])?
            .map(|lines| Self::Twitter { lines });
        let found: Vec<_> = [facebook, reddit, twitter].into_iter().flatten().collect();
        if found.is_empty() {
            return Err(LabError::NoFiles {
                kind: "raw files",
                path: folder.to_owned(),
                expected: RAW_FILE_NAMES,
            });
        }
        Ok(found)
    }
}

/// Returns the first file by name that has one of the prefixes and extensions, in `folder` or in its folder `platform`.
fn find_file(
    folder: &Path,
    platform: &str,
    prefixes: &[&str],
    extensions: &[&str],
) -> Result<Option<PathBuf>, LabError> {
    let mut found = Vec::new();
    for folder in [folder.to_owned(), folder.join(platform)] {
        if !folder.is_dir() && folder.ends_with(platform) {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(LabError::file("read", &folder))? {
            let path = entry.map_err(LabError::file("read", &folder))?.path();
            let [stem, extension] = [path.file_stem(), path.extension()]
                .map(|part| part.and_then(|part| part.to_str()).unwrap_or_default());
            if path.is_file()
                && extensions.contains(&extension)
                && prefixes.iter().any(|prefix| stem.starts_with(prefix))
            {
                found.push(path);
            }
        }
    }
    Ok(found.into_iter().min())
}

/// Writer of a platform's normalised items, which has its final name only once it is complete.
pub(super) struct Output {
    file: BufWriter<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl Output {
    pub(super) fn create(folder: &Path, platform: Platform) -> Result<Self, LabError> {
        let path = folder.join(format!("{platform}.jsonl"));
        let partial = folder.join(format!("{platform}.jsonl.partial"));
        let file = File::create(&partial).map_err(LabError::file("create", &partial))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            partial,
            path,
        })
    }

    pub(super) fn write(&mut self, item: &ContentItem) -> Result<(), LabError> {
        serde_json::to_writer(&mut self.file, item)
            .map_err(LabError::file("write", &self.partial))?;
        self.file
            .write_all(b"\n")
            .map_err(LabError::file("write", &self.partial))
    }

    /// Renames the file to its final name. Without this call, dropping the value removes the partial file.
    pub(super) fn finish(mut self) -> Result<(), LabError> {
        self.file
            .flush()
            .map_err(LabError::file("write", &self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(LabError::file("write", &self.path))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Fails after `finish`; before it, an error has been returned already.
        let _ = fs::remove_file(&self.partial);
    }
}
