use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::SeedingError;

/// A CSV file being written; its errors name it.
pub(super) struct Rows {
    path: PathBuf,
    rows: csv::Writer<File>,
}

impl Rows {
    /// Creates the file with its first line. Rows may have fewer fields: some are broken on purpose.
    pub(super) fn create(path: &Path, columns: &[&str]) -> Result<Self, SeedingError> {
        let file = File::create(path).map_err(SeedingError::file("create", path))?;
        let mut rows = Self {
            path: path.to_owned(),
            rows: csv::WriterBuilder::new().flexible(true).from_writer(file),
        };
        rows.write(columns)?;
        Ok(rows)
    }

    pub(super) fn write<T: AsRef<[u8]>>(
        &mut self,
        fields: impl IntoIterator<Item = T>,
    ) -> Result<(), SeedingError> {
        self.rows
            .write_record(fields)
            .map_err(SeedingError::file("write", &self.path))
    }

    pub(super) fn finish(mut self) -> Result<(), SeedingError> {
        self.rows
            .flush()
            .map_err(SeedingError::file("write", &self.path))
    }
}

/// A file of lines being written; its errors name it.
pub(super) struct Lines {
    path: PathBuf,
    file: std::io::BufWriter<File>,
}

impl Lines {
    pub(super) fn create(path: &Path) -> Result<Self, SeedingError> {
        let file = File::create(path).map_err(SeedingError::file("create", path))?;
        Ok(Self {
            path: path.to_owned(),
            file: std::io::BufWriter::new(file),
        })
    }

    pub(super) fn write(&mut self, line: &str) -> Result<(), SeedingError> {
        writeln!(self.file, "{line}").map_err(SeedingError::file("write", &self.path))
    }

    pub(super) fn finish(mut self) -> Result<(), SeedingError> {
        self.file
            .flush()
            .map_err(SeedingError::file("write", &self.path))
    }
}
