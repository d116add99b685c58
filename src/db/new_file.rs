use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::{DbError, sqlite, writeback::Writeback};
use crate::settings::DatabaseSettings;

/// A SQLite database in the making: `NAME.new` beside its place, where nobody looks for it, so that it needs no journal.
/// Dropped unpublished, it is gone.
#[derive(Debug)]
pub struct NewFile {
    place: PathBuf,
    file: TempPath,
    /// Held while the file is filled. What a killed process has left is nobody's, and is overwritten.
    lock: File,
    writeback: Writeback,
}

impl NewFile {
    /// Begins one for these settings; `None` where they name a file that is there, a database in memory, or Postgres.
    pub fn begin(settings: &DatabaseSettings) -> Result<Option<Self>, DbError> {
        match sqlite::file_of(settings)? {
            Some(place) if is_absent(&place) => Self::beside(place).map(Some),
            _ => Ok(None),
        }
    }

    fn beside(place: PathBuf) -> Result<Self, DbError> {
        sqlite::create_folder_of(&place)?;
        let mut path = place.clone().into_os_string();
        path.push(".new");
        let lock = lock(&path)?;
        let failed = |source| DbError::NewFile {
            path: path.clone().into(),
            source,
        };
        let file = TempPath::try_from_path(&path).map_err(failed)?;
        // A handle of its own, which does not hold the lock.
        let written = File::options().write(true).open(&path);
        let writeback = written.and_then(Writeback::of).map_err(failed)?;
        Ok(Self {
            place,
            file,
            lock,
            writeback,
        })
    }

    /// Puts it in its place, to stay through a loss of power. Its connections must have been closed. What has come to be
    /// there meanwhile is left alone.
    pub fn publish(self) -> Result<(), DbError> {
        let Self {
            place,
            file,
            lock,
            writeback,
        } = self;
        let failed = |source| DbError::NewFile {
            path: place.clone(),
            source,
        };
        writeback.end().map_err(failed)?;
        lock.sync_all().map_err(failed)?;
        file.persist_noclobber(&place)
            .map_err(|error| failed(error.error))?;
        let folder = place.parent().filter(|folder| *folder != Path::new(""));
        let folder = File::open(folder.unwrap_or(Path::new(".")));
        folder.and_then(|folder| folder.sync_all()).map_err(failed)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// An empty file that is this process's.
fn lock(path: &OsString) -> Result<File, DbError> {
    let failed = |source| DbError::NewFile {
        path: path.into(),
        source,
    };
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    let locked = file.try_lock();
    if let Err(TryLockError::Error(source)) = locked {
        return Err(failed(source));
    }
    // Between the two lines above, it may have been published.
    let is_still_there = fs::metadata(path).is_ok_and(|there| {
        file.metadata()
            .is_ok_and(|mine| (mine.dev(), mine.ino()) == (there.dev(), there.ino()))
    });
    if locked.is_err() || !is_still_there {
        return Err(DbError::InTheMaking { path: path.into() });
    }
    file.set_len(0).map_err(failed)?;
    Ok(file)
}
