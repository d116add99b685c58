use std::io;
use std::path::Path;

use super::{Sorted, Sorter};

/// Collector of the ids of all rows, hashed, that finds those that occur more than once.
pub(crate) struct DuplicateFinder {
    ids: Sorter,
    lines: Sorter,
}

impl DuplicateFinder {
    pub(crate) fn new(folder: &Path, max_bytes: usize) -> Self {
        Self {
            ids: Sorter::new(folder, max_bytes),
            lines: Sorter::new(folder, max_bytes / 4),
        }
    }

    pub(crate) fn add(&mut self, id: u128, line: u64) -> io::Result<()> {
        self.ids.push((id, line), &[])
    }

    /// Returns the lines whose id occurs on an earlier line.
    pub(crate) fn finish(mut self) -> io::Result<Duplicates> {
        let (mut ids, mut payload, mut last) = (self.ids.sorted()?, Vec::new(), None);
        let mut count = 0;
        while let Some((id, line)) = ids.next(&mut payload)? {
            if last.replace(id) == Some(id) {
                count += 1;
                self.lines.push((line.into(), 0), &[])?;
            }
        }
        let mut duplicates = Duplicates {
            lines: self.lines.sorted()?,
            next: None,
            count,
        };
        duplicates.advance()?;
        Ok(duplicates)
    }
}

/// Sorted lines of duplicates, queried in ascending order.
pub(crate) struct Duplicates {
    lines: Sorted,
    next: Option<u128>,
    count: u64,
}

impl Duplicates {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns whether `line` is a duplicate. It must be greater than in every earlier call.
    pub(crate) fn contains(&mut self, line: u64) -> io::Result<bool> {
        let found = self.next == Some(line.into());
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn advance(&mut self) -> io::Result<()> {
        self.next = self.lines.next(&mut Vec::new())?.map(|(line, _)| line);
        Ok(())
    }
}
