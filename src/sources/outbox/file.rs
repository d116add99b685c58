//! A file that only grows or is replaced as a whole, and whose bytes are on the disk when a write returns.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::durable_file::{put, sync_folder_of};

#[derive(Debug)]
pub(super) struct SyncedFile {
    path: PathBuf,
    file: File,
    /// Length of what counts; a failed write may have left more.
    end: u64,
}

impl SyncedFile {
    /// Opens the file, made when absent. Nothing in it counts before it is read and admitted.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Ok(Self {
            path: path.to_owned(),
            file: options.open(path)?,
            end: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Returns a reader from the beginning of a file that was just opened.
    pub(super) fn lines(&self) -> io::Result<BufReader<File>> {
        self.file.try_clone().map(BufReader::new)
    }

    /// Counts the next `length` bytes, and returns where they start.
    pub(super) fn admit(&mut self, length: u64) -> u64 {
        let start = self.end;
        self.end += length;
        start
    }

    /// Cuts off what does not count, and syncs the file and its folder.
    pub(super) fn cut_tail(&self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.sync_all()?;
        self.sync_folder()
    }

    /// Appends `bytes`, all of them or none.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.write_at_end(bytes);
        if written.is_ok() {
            self.end += bytes.len() as u64;
        } else {
            let _ = self.file.set_len(self.end);
        }
        written
    }

    fn write_at_end(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    pub(super) fn read(&mut self, start: u64, length: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts another file with these bytes in its place. Nothing more is written to the old one, which has no name then.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file = put(&self.path, bytes)?;
        self.end = bytes.len() as u64;
        Ok(())
    }

    /// Makes a replacement outlive a crash of the system.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        sync_folder_of(&self.path)
    }
}
