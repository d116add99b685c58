//! The data folder: what lies where in it, and the lock that keeps a second Weir out.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// An open and locked data folder. The lock lasts as long as this value, or the process.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another Weir works in the folder.
    #[error(
        "another weir is running on the data folder {}: stop it, or set another data_dir", path.display()
    )]
    InUse {
        /// The folder, absolute.
        path: PathBuf,
    },
    /// The folder cannot be created, read or locked.
    #[error("the data folder {} cannot be used", path.display())]
    Io {
        /// The folder as configured.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataDir {
    /// Creates the folder if need be and locks it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataDirError> {
        let configured = path.as_ref();
        let unusable = |source| DataDirError::Io {
            path: configured.to_path_buf(),
            source,
        };
        fs::create_dir_all(configured).map_err(unusable)?;
        let path = configured.canonicalize().map_err(unusable)?;
        let lock = File::create(path.join("weir.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The folder itself, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the managed Redis server: its files, socket, log and lock.
    pub fn redis(&self) -> PathBuf {
        self.path.join("redis")
    }

    /// The `SQLite` file of the embedded results store.
    pub fn results_db(&self) -> PathBuf {
        self.path.join("results.db")
    }

    /// The divisions of users into arms that were served by.
    pub fn arms(&self) -> PathBuf {
        self.path.join("arms.json")
    }

    /// The note of which results store this folder was last used with.
    pub fn results_note(&self) -> PathBuf {
        self.path.join("results.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_of_a_folder_is_refused_by_name() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/data");
        let first = DataDir::open(&folder).unwrap();

        let refusal = DataDir::open(&folder).unwrap_err();

        assert!(matches!(&refusal, DataDirError::InUse { path } if path == first.path()));
        assert!(refusal.to_string().contains("deep/data"));
    }

    #[test]
    fn a_folder_can_be_opened_again_once_released() {
        let parent = tempfile::tempdir().unwrap();
        drop(DataDir::open(parent.path()).unwrap());
        DataDir::open(parent.path()).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_reported_with_its_path() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();

        let error = DataDir::open(&file).unwrap_err();

        assert!(matches!(error, DataDirError::Io { path, .. } if path == file));
    }
}
