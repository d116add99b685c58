use std::fs;
use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_64;

use super::{Settings, SettingsError};

/// A settings file that may be edited while Weir runs.
///
/// It is read anew at each look, so that files that were written to, replaced by a rename, or reached through links and
/// mounts are all the same. What is found counts once two looks agree on it, since a file may be half written.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    settled: Option<u64>,
    last: Option<u64>,
}

impl WatchedFile {
    /// A file whose content has been loaded already.
    pub fn new(path: PathBuf) -> Self {
        let content = content(&path);
        Self {
            path,
            settled: content,
            last: content,
        }
    }

    /// The settings with the file's new content, or what is wrong with it; `None` while there is nothing new.
    pub fn look(&mut self) -> Option<Result<Settings, SettingsError>> {
        let now = content(&self.path);
        let steady = now == self.last;
        self.last = now;
        if !steady || now == self.settled {
            return None;
        }
        self.settled = now;
        Some(Settings::load(Some(&self.path)))
    }
}

/// A hash of what is in the file; `None` while there is none.
fn content(path: &PathBuf) -> Option<u64> {
    fs::read(path).ok().map(|bytes| xxh3_64(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn deadline(looked: Option<Result<Settings, SettingsError>>) -> Option<u64> {
        looked.map(|settings| settings.unwrap().ranking.deadline_ms)
    }

    fn two_looks(file: &mut WatchedFile) -> Option<u64> {
        assert!(
            file.look().is_none(),
            "the first look at new content waits for a second"
        );
        deadline(file.look())
    }

    fn text(deadline_ms: u64) -> String {
        format!("ranking.deadline_ms = {deadline_ms}\n")
    }

    #[test]
    fn an_edited_file_counts_once_it_is_steady() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weir.toml");
        fs::write(&path, text(100)).unwrap();
        let mut file = WatchedFile::new(path.clone());
        assert!(file.look().is_none());

        fs::write(&path, "ranking.dead").unwrap();
        assert!(file.look().is_none());
        fs::write(&path, text(200)).unwrap();
        assert_eq!(two_looks(&mut file), Some(200));
        assert!(file.look().is_none());
    }

    #[test]
    fn renames_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("one")).unwrap();
        fs::create_dir(at("two")).unwrap();
        fs::write(at("one/weir.toml"), text(100)).unwrap();
        fs::write(at("two/weir.toml"), text(200)).unwrap();
        symlink(at("one"), at("current")).unwrap();
        let mut file = WatchedFile::new(at("current/weir.toml"));

        symlink(at("two"), at("next")).unwrap();
        fs::rename(at("next"), at("current")).unwrap();
        assert_eq!(two_looks(&mut file), Some(200));

        fs::write(at("two/new"), text(300)).unwrap();
        fs::rename(at("two/new"), at("two/weir.toml")).unwrap();
        assert_eq!(two_looks(&mut file), Some(300));
    }

    #[test]
    fn a_bad_or_missing_file_is_said_once_and_a_good_one_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weir.toml");
        fs::write(&path, text(100)).unwrap();
        let mut file = WatchedFile::new(path.clone());

        fs::write(&path, text(0)).unwrap();
        assert!(file.look().is_none());
        assert!(file.look().is_some_and(|refused| refused.is_err()));
        assert!(file.look().is_none());

        fs::remove_file(&path).unwrap();
        assert!(file.look().is_none());
        assert!(file.look().is_some_and(|refused| refused.is_err()));

        fs::write(&path, text(100)).unwrap();
        assert_eq!(two_looks(&mut file), Some(100));
    }
}
