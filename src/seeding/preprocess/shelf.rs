use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Records of `N` bytes by number, appended at the end and read anywhere; past a bound they go to a temporary file.
pub(super) struct Shelf<const N: usize> {
    /// The records after those in the file.
    recent: Vec<[u8; N]>,
    file: Option<File>,
    filed: u64,
    max_recent: usize,
    folder: PathBuf,
}

impl<const N: usize> Shelf<N> {
    pub(super) fn new(folder: &Path, max_bytes: usize) -> Self {
        Self {
            recent: Vec::new(),
            file: None,
            filed: 0,
            max_recent: (max_bytes / N).max(1),
            folder: folder.to_owned(),
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.filed + self.recent.len() as u64
    }

    pub(super) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        if self.recent.len() == self.max_recent {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => tempfile::tempfile_in(&self.folder)?,
            };
            file.write_all(self.recent.as_flattened())?;
            self.file = Some(file);
            self.filed += self.recent.len() as u64;
            self.recent.clear();
        }
        self.recent.push(record);
        Ok(())
    }

    /// The record of that number; `None` past the last.
    pub(super) fn get(&self, number: u64) -> io::Result<Option<[u8; N]>> {
        match (number.checked_sub(self.filed), &self.file) {
            (None, Some(file)) => {
                let mut record = [0; N];
                file.read_exact_at(&mut record, number * N as u64)?;
                Ok(Some(record))
            }
            (place, _) => Ok(place
                .and_then(|place| self.recent.get(usize::try_from(place).ok()?))
                .copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_by_number_in_memory_and_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::<2>::new(folder.path(), 8);
        for number in 0..11_u8 {
            shelf.push([number, 0]).unwrap();
            assert_eq!(shelf.get(0).unwrap(), Some([0, 0]));
        }
        assert_eq!(shelf.len(), 11);
        assert!(shelf.filed > 0);
        for number in 0..11 {
            assert_eq!(shelf.get(number.into()).unwrap(), Some([number, 0]));
        }
        assert_eq!(shelf.get(11).unwrap(), None);
    }
}
