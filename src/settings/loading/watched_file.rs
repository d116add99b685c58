use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_64;

use super::issue::SettingsError;
use super::layers::{Layers, read_file};
use crate::settings::Settings;

/// A settings file that may be edited while Weir runs.
///
/// It is read at each look, so that files that were written to, replaced by a rename, or reached through links and
/// mounts are all the same. What is found counts once two looks agree on it, since a file may be half written. For the
/// same reason an empty file is refused, unless Weir was started with one.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    settled: u64,
    last: u64,
    /// True if the settings in force are those of an empty file.
    is_blank: bool,
}

type Content = Result<String, SettingsError>;

impl WatchedFile {
    /// A file whose content has been loaded already.
    pub fn new(path: PathBuf) -> Self {
        let content = read_file(&path);
        let fingerprint = fingerprint(&content);
        Self {
            path,
            settled: fingerprint,
            last: fingerprint,
            is_blank: content.is_ok_and(|text| is_blank(&text)),
        }
    }

    /// Returns whether the settings in force are those of an empty file.
    pub fn is_blank(&self) -> bool {
        self.is_blank
    }

    /// The settings with the file's new content, or what is wrong with it; `None` while there is nothing new.
    pub fn look(&mut self) -> Option<Result<Settings, SettingsError>> {
        let content = read_file(&self.path);
        let now = fingerprint(&content);
        let steady = now == self.last;
        self.last = now;
        if !steady || now == self.settled {
            return None;
        }
        Some(self.settle(content))
    }

    /// The settings with the file's content as it is now, or what is wrong with it, whether or not it is new.
    pub fn reread(&mut self) -> Result<Settings, SettingsError> {
        let content = read_file(&self.path);
        self.last = fingerprint(&content);
        self.settle(content)
    }

    fn settle(&mut self, content: Content) -> Result<Settings, SettingsError> {
        self.settled = self.last;
        let text = content?;
        let is_blank = is_blank(&text);
        if is_blank && !self.is_blank {
            return Err(SettingsError::Emptied {
                path: self.path.clone(),
            });
        }
        let settings =
            Settings::from_layers(&Layers::with_file(text, self.path.clone())?)?.log_warnings();
        self.is_blank = is_blank;
        Ok(settings)
    }
}

/// A hash of what is in the file, or of the reason why it cannot be read.
fn fingerprint(content: &Content) -> u64 {
    match content {
        Ok(text) => xxh3_64(text.as_bytes()),
        Err(error) => xxh3_64(format!("{error:?}").as_bytes()),
    }
}

/// A file of comments alone is not blank: somebody has written it.
fn is_blank(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim().is_empty()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn deadline(looked: Option<Result<Settings, SettingsError>>) -> Option<u128> {
        looked.map(|settings| settings.unwrap().ranking.deadline.as_millis())
    }

    fn two_looks(file: &mut WatchedFile) -> Option<u128> {
        assert!(
            file.look().is_none(),
            "the first look at new content waits for a second"
        );
        deadline(file.look())
    }

    fn text(deadline_ms: u64) -> String {
        format!("ranking.deadline = \"{deadline_ms}ms\"\n")
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

    #[test]
    fn an_emptied_file_is_refused_unless_it_was_empty_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weir.toml");
        fs::write(&path, text(100)).unwrap();
        let mut file = WatchedFile::new(path.clone());
        for blank in ["", " \n\t\r\n", "\u{feff}\n"] {
            fs::write(&path, blank).unwrap();
            assert!(file.look().is_none());
            let refused = file.look().unwrap().unwrap_err();
            assert!(matches!(refused, SettingsError::Emptied { .. }));
            assert!(file.reread().is_err());
        }
        fs::write(&path, "# all of it is left to the defaults\n").unwrap();
        assert!(two_looks(&mut file).is_some());

        fs::write(&path, "").unwrap();
        let mut file = WatchedFile::new(path.clone());
        assert!(file.is_blank() && file.reread().is_ok());
        fs::write(&path, text(200)).unwrap();
        assert_eq!(two_looks(&mut file), Some(200));
        fs::write(&path, "").unwrap();
        assert!(file.look().is_none());
        assert!(file.look().is_some_and(|refused| refused.is_err()));
    }

    #[test]
    fn a_fifo_in_place_of_the_file_is_refused_and_a_file_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weir.toml");
        fs::write(&path, text(100)).unwrap();
        let mut file = WatchedFile::new(path.clone());
        fs::remove_file(&path).unwrap();
        assert!(file.look().is_none());
        assert!(file.look().is_some_and(|refused| refused.is_err()));

        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert!(file.look().is_none(), "another reason than before");
        assert!(file.look().is_some_and(|refused| refused.is_err()));

        fs::remove_file(&path).unwrap();
        fs::write(&path, text(200)).unwrap();
        assert_eq!(two_looks(&mut file), Some(200));
    }
}
