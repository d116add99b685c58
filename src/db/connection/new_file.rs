use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempPath;

use super::sqlite;
use crate::db::DbError;
use crate::settings::DatabaseSettings;

/// Between two times that what has come is written out.
const PAUSE: Duration = Duration::from_millis(200);

/// A SQLite database in the making: `NAME.new` beside its target. Nobody looks for it there, so it needs no journal.
/// Dropped unpublished, it is gone.
#[derive(Debug)]
pub struct NewFile {
    target: PathBuf,
    file: TempPath,
    /// Held while the file is filled. What a killed process has left is nobody's, and is overwritten.
    lock: File,
    writeback: Writeback,
}

impl NewFile {
    /// Begins one for these settings; `None` where they name a file that is there, a database in memory, or Postgres.
    pub fn begin(settings: &DatabaseSettings) -> Result<Option<Self>, DbError> {
        match sqlite::file_of(settings)? {
            Some(target) if is_absent(&target) => Self::beside(target).map(Some),
            _ => Ok(None),
        }
    }

    fn beside(target: PathBuf) -> Result<Self, DbError> {
        sqlite::create_folder_of(&target)?;
        let mut path = target.clone().into_os_string();
        path.push(".new");
        let lock = lock(&path)?;
        let failed = |source| DbError::NewFile {
            path: path.clone().into(),
            source,
        };
        let file = TempPath::try_from_path(&path).map_err(failed)?;
        // A handle of its own, which does not hold the lock.
        let written = File::options().write(true).open(&path);
        let writeback = written.and_then(Writeback::new).map_err(failed)?;
        Ok(Self {
            target,
            file,
            lock,
            writeback,
        })
    }

    /// Gives the file its name, durably. Its connections must have been closed. A file that has got the name in the meantime
    /// is left alone.
    pub fn publish(self) -> Result<(), DbError> {
        let Self {
            target,
            file,
            lock,
            writeback,
        } = self;
        let failed = |source| DbError::NewFile {
            path: target.clone(),
            source,
        };
        writeback.end().map_err(failed)?;
        lock.sync_all().map_err(failed)?;
        file.persist_noclobber(&target)
            .map_err(|error| failed(error.error))?;
        let folder = target.parent().filter(|folder| *folder != Path::new(""));
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

/// Writes a file out to its disk while it is filled, so that there is little to wait for at the end. Dropped, it ends
/// by itself.
#[derive(Debug)]
struct Writeback {
    /// Dropped, it ends the thread.
    running: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writeback {
    fn new(file: File) -> io::Result<Self> {
        let (running, ended) = channel();
        let write_out = move || loop {
            file.sync_data()?;
            if ended.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
        };
        let thread = thread::Builder::new().name("writeback".to_owned());
        Ok(Self {
            running,
            thread: thread.spawn(write_out)?,
        })
    }

    /// Ends it, and answers what went wrong, for the system tells of a failed write but once.
    fn end(self) -> io::Result<()> {
        drop(self.running);
        let outcome = self.thread.join();
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_failed_is_told_at_the_end() {
        let written = Writeback::new(tempfile::tempfile().unwrap()).unwrap();
        written.end().unwrap();
        // A device that cannot be written out.
        let failed = Writeback::new(File::open("/dev/null").unwrap()).unwrap();
        assert_eq!(
            failed.end().unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
