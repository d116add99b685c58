//! The data folder: what lies where in it, and the lock that keeps a second Weir out.

mod admin_key;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub use admin_key::{AdminKey, AdminKeyError};

use crate::durable_file;

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

    /// The folder of what scrapers have fetched, a file for each.
    pub fn outboxes(&self) -> PathBuf {
        self.path.join("outbox")
    }

    /// The `SQLite` file of the embedded store.
    pub fn results_db(&self) -> PathBuf {
        self.path.join("results.db")
    }

    /// The folder of the logs of programs.
    pub fn program_logs(&self) -> PathBuf {
        self.path.join("programs")
    }

    /// The folder of results too large for the store.
    pub fn large_results(&self) -> PathBuf {
        self.path.join("results")
    }

    /// A name for this folder that outlives the process and that no other folder has: made at the first call, kept in
    /// `weir.id`. To run two copies of the folder on one store, remove that file from one.
    pub fn identity(&self) -> Result<String, DataDirError> {
        let file = self.path.join("weir.id");
        let unusable = |source| DataDirError::Io {
            path: file.clone(),
            source,
        };
        match fs::read_to_string(&file) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            _ => {}
        }
        let identity = uuid::Uuid::now_v7().to_string();
        durable_file::replace(&file, identity.as_bytes()).map_err(unusable)?;
        Ok(identity)
    }

    /// Reads the admin key of this folder, or makes one if there is none.
    pub fn admin_key(&self) -> Result<AdminKey, AdminKeyError> {
        AdminKey::read_or_create(&self.path)
    }

    /// Returns the name of the instance that works in this folder, for people: the host's name and the end of the folder's
    /// identity, as `web1-4f1a09bc`.
    pub fn instance(&self) -> Result<String, DataDirError> {
        let identity = self.identity()?;
        let signs = identity.chars().filter(char::is_ascii_alphanumeric);
        let signs: Vec<char> = signs.collect();
        let end: String = signs[signs.len().saturating_sub(8)..].iter().collect();
        let system = rustix::system::uname();
        Ok(format!("{}-{end}", system.nodename().to_string_lossy()))
    }

    /// Returns the file of the assignments of users to arms that were served.
    pub fn arms(&self) -> PathBuf {
        self.path.join("arms.json")
    }

    /// The marker of the store that this folder was last used with.
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
    fn a_folder_keeps_its_identity_and_no_other_has_it() {
        let parent = tempfile::tempdir().unwrap();
        let open = |name: &str| DataDir::open(parent.path().join(name)).unwrap();
        let first = open("a").identity().unwrap();
        assert_eq!(open("a").identity().unwrap(), first);
        assert_ne!(open("b").identity().unwrap(), first);
        let name = open("a").instance().unwrap();
        assert_eq!(open("a").instance().unwrap(), name);
        assert_ne!(open("b").instance().unwrap(), name);
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
