use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::settings::Secret;
use crate::{durable_file, regular_file};

const FILE_NAME: &str = "admin.key";
/// The longest file that can hold a key.
const MAX_BYTES: u64 = 4_096;
/// Access for anybody but the owner.
const OTHERS: u32 = 0o077;

/// The admin key of a data folder, in use where `auth.admin` is empty.
#[derive(Debug)]
pub struct AdminKey {
    /// The key.
    pub key: Secret,
    /// The file that holds it.
    pub path: PathBuf,
}

/// Reason why the admin key of a data folder is not available.
#[derive(Debug, thiserror::Error)]
pub enum AdminKeyError {
    /// The file does not exist.
    #[error("there is no admin key at {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("failed to read the admin key at {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The path holds something else, such as a link or a folder.
    #[error("the admin key at {} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error(
        "the admin key at {} is not one line of visible ASCII characters: delete the file, and the next start makes a new \
         key", path.display()
    )]
    Invalid {
        /// The file.
        path: PathBuf,
    },
    /// A new key cannot be stored.
    #[error("failed to write a new admin key to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl AdminKey {
    /// Reads the key of `data_dir`.
    pub fn read(data_dir: &Path) -> Result<Self, AdminKeyError> {
        let path = data_dir.join(FILE_NAME);
        read_file(&path).map(|(key, _)| Self { key, path })
    }

    /// Reads the key of `data_dir`, or makes one if there is none. The folder must be locked by the caller.
    pub(super) fn read_or_create(data_dir: &Path) -> Result<Self, AdminKeyError> {
        let path = data_dir.join(FILE_NAME);
        match read_file(&path) {
            Ok((key, metadata)) => {
                restrict(&path, &metadata);
                tracing::info!(path = %path.display(), "admin key read");
                Ok(Self { key, path })
            }
            Err(AdminKeyError::Missing { .. }) => {
                let key = create(data_dir, &path).map_err(|source| AdminKeyError::Write {
                    path: path.clone(),
                    source,
                })?;
                tracing::info!(path = %path.display(), "admin key created");
                Ok(Self { key, path })
            }
            Err(other) => Err(other),
        }
    }
}

fn read_file(path: &Path) -> Result<(Secret, Metadata), AdminKeyError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => AdminKeyError::Missing {
            path: path.to_owned(),
        },
        _ => AdminKeyError::Read {
            path: path.to_owned(),
            source,
        },
    };
    // A link is not followed: the file could be anybody's.
    let metadata = fs::symlink_metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(AdminKeyError::NotAFile {
            path: path.to_owned(),
        });
    }
    let invalid = || AdminKeyError::Invalid {
        path: path.to_owned(),
    };
    let text = match regular_file::read_to_string(path, MAX_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(invalid()),
        text => text.map_err(failed)?,
    };
    let key = Secret::from(text.trim_ascii());
    if key.fits_a_header() {
        Ok((key, metadata))
    } else {
        Err(invalid())
    }
}

/// Stores a new key at `path`. The file has mode 600 from the start and its name once it is complete.
fn create(folder: &Path, path: &Path) -> io::Result<Secret> {
    let [high, low]: [u128; 2] = rand::random();
    let key = format!("{high:032x}{low:032x}");
    let mut file = NamedTempFile::with_prefix_in("admin.key.", folder)?;
    writeln!(file, "{key}")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    durable_file::sync_folder_of(path)?;
    Ok(key.as_str().into())
}

/// Takes the access to the file from everybody but its owner. Some file systems know no modes, so that a refusal to
/// start would be final.
fn restrict(path: &Path, metadata: &Metadata) {
    let mode = metadata.permissions().mode();
    if mode & OTHERS == 0 {
        return;
    }
    let shown = path.display();
    let mode = format!("{:o}", mode & 0o777);
    match fs::set_permissions(path, Permissions::from_mode(0o600)) {
        Ok(()) => tracing::warn!(
            path = %shown, mode,
            "the admin key was open to other users, its mode is 600 now: delete the file and restart for a new key"
        ),
        Err(error) => tracing::warn!(
            path = %shown, mode, %error,
            "the admin key is open to other users: set its mode to 600, or set auth.admin"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_and_readable_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();

        let made = AdminKey::read_or_create(folder.path()).unwrap();
        let again = AdminKey::read_or_create(folder.path()).unwrap();

        assert_eq!(made.key, again.key);
        assert_eq!(made.key, AdminKey::read(folder.path()).unwrap().key);
        assert_eq!(made.key.expose().len(), 64);
        let written = fs::read_to_string(&made.path).unwrap();
        assert_eq!(written, format!("{}\n", made.key.expose()));
        assert_eq!(mode_of(&made.path), 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_folders_have_different_keys() {
        let key = || {
            let folder = tempfile::tempdir().unwrap();
            AdminKey::read_or_create(folder.path()).unwrap().key
        };
        assert_ne!(key(), key());
    }

    #[test]
    fn a_file_open_to_others_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let made = AdminKey::read_or_create(folder.path()).unwrap();
        for mode in [0o644, 0o640, 0o606, 0o620] {
            fs::set_permissions(&made.path, Permissions::from_mode(mode)).unwrap();
            AdminKey::read_or_create(folder.path()).unwrap();
            assert_eq!(mode_of(&made.path), 0o600);
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        for text in [&b""[..], b"\n", b"two words", b"one\ntwo\n", b"\xff\xfe"] {
            fs::write(&path, text).unwrap();
            let error = AdminKey::read_or_create(folder.path()).unwrap_err();
            assert!(matches!(error, AdminKeyError::Invalid { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), text);
        }
        fs::write(&path, "chosen-by-hand\r\n").unwrap();
        let key = AdminKey::read_or_create(folder.path()).unwrap().key;
        assert_eq!(key.expose(), "chosen-by-hand");
    }

    #[test]
    fn a_link_or_a_folder_in_its_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let target = folder.path().join("target");
        let refused = || {
            let error = AdminKey::read_or_create(folder.path()).unwrap_err();
            assert!(matches!(error, AdminKeyError::NotAFile { .. }), "{error}");
        };
        symlink(&target, &path).unwrap();
        refused();
        fs::write(&target, "key").unwrap();
        refused();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused();
    }

    #[test]
    fn a_missing_key_and_a_missing_folder_are_told_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let error = AdminKey::read(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("/admin.key"), "{error}");
        let nowhere = folder.path().join("nowhere");
        let error = AdminKey::read_or_create(&nowhere).unwrap_err();
        assert!(matches!(error, AdminKeyError::Write { .. }), "{error}");
    }
}
