use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::super::SeedingError;
use weir_feed::{ContentItem, Platform};

/// A platform's normalised items, under a name of their own until they are all there.
pub(super) struct Output {
    file: BufWriter<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl Output {
    pub(super) fn create(folder: &Path, platform: Platform) -> Result<Self, SeedingError> {
        let path = folder.join(format!("{platform}.jsonl"));
        let partial = folder.join(format!("{platform}.jsonl.partial"));
        let file = File::create(&partial).map_err(SeedingError::file("create", &partial))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            partial,
            path,
        })
    }

    pub(super) fn write(&mut self, item: &ContentItem) -> Result<(), SeedingError> {
        serde_json::to_writer(&mut self.file, item)
            .map_err(SeedingError::file("write", &self.partial))?;
        self.file
            .write_all(b"\n")
            .map_err(SeedingError::file("write", &self.partial))
    }

    /// Gives the file its name. Without it the partial file goes when this value does.
    pub(super) fn finish(mut self) -> Result<(), SeedingError> {
        self.file
            .flush()
            .map_err(SeedingError::file("write", &self.partial))?;
        fs::rename(&self.partial, &self.path).map_err(SeedingError::file("write", &self.path))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // After `finish` there is none; otherwise an error is already on its way.
        let _ = fs::remove_file(&self.partial);
    }
}
