use std::path::{Path, PathBuf};

use super::super::SeedingError;
use weir_feed::Platform;

const LOOKED_FOR: &str =
    "facebook.jsonl, reddit.jsonl and twitter.jsonl, or the same ending in .csv";

/// One platform's items.
#[derive(Clone, Debug)]
pub(in crate::seeding) struct ItemFile {
    pub(in crate::seeding) platform: Platform,
    pub(in crate::seeding) path: PathBuf,
}

/// The items of a folder.
pub(in crate::seeding) struct ItemFiles;

impl ItemFiles {
    /// A file for each platform that has one; of two, the lines rather than the table. None at all is an error.
    pub(in crate::seeding) fn find(folder: &Path) -> Result<Vec<ItemFile>, SeedingError> {
        let file_of = |&platform: &Platform| {
            let endings = ["jsonl", "csv"].into_iter();
            let mut paths = endings.map(|ending| folder.join(format!("{platform}.{ending}")));
            let path = paths.find(|path| path.is_file())?;
            Some(ItemFile { platform, path })
        };
        let found: Vec<_> = Platform::ALL.iter().filter_map(file_of).collect();
        if found.is_empty() {
            return Err(SeedingError::NoItems {
                path: folder.to_owned(),
                looked_for: LOOKED_FOR,
            });
        }
        Ok(found)
    }
}
