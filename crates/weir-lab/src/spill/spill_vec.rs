use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Append-only vector of records of `N` bytes, whose older part moves to a temporary file.
pub(crate) struct SpillVec<const N: usize> {
    file: Option<File>,
    /// Number of records in the file.
    spilled: u64,
    /// Records after those in the file.
    recent: Vec<[u8; N]>,
    max_recent: usize,
    folder: PathBuf,
}

impl<const N: usize> SpillVec<N> {
    pub(crate) fn new(folder: &Path, max_bytes: usize) -> Self {
        Self {
            file: None,
            spilled: 0,
            recent: Vec::new(),
            max_recent: (max_bytes / N).max(1),
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.spilled + self.recent.len() as u64
    }

    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        if self.recent.len() == self.max_recent {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => tempfile::tempfile_in(&self.folder)?,
            };
            file.write_all(self.recent.as_flattened())?;
            self.file = Some(file);
            self.spilled += self.recent.len() as u64;
            self.recent.clear();
        }
        self.recent.push(record);
        Ok(())
    }

    /// Returns the record at `index`, or `None` past the last one.
    pub(crate) fn get(&self, index: u64) -> io::Result<Option<[u8; N]>> {
        match (index.checked_sub(self.spilled), &self.file) {
            (None, Some(file)) => {
                let mut record = [0; N];
                file.read_exact_at(&mut record, index * N as u64)?;
                Ok(Some(record))
            }
            (recent, _) => Ok(recent
                .and_then(|index| self.recent.get(usize::try_from(index).ok()?))
                .copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = SpillVec::<2>::new(folder.path(), 8);
        for number in 0..11_u8 {
            records.push([number, 0]).unwrap();
            assert_eq!(records.get(0).unwrap(), Some([0, 0]));
        }
        assert_eq!(records.len(), 11);
        assert!(records.spilled > 0);
        for number in 0..11 {
            assert_eq!(records.get(number.into()).unwrap(), Some([number, 0]));
        }
        assert_eq!(records.get(11).unwrap(), None);
    }
}
