use std::io;
use std::path::Path;

use super::sorter::{Sorted, Sorter};

/// Notes the id of every row, as a key, to find those that come again.
pub(in crate::seeding) struct RepeatFinder {
    ids: Sorter,
    lines: Sorter,
}

impl RepeatFinder {
    pub(in crate::seeding) fn new(folder: &Path, max_bytes: usize) -> Self {
        Self {
            ids: Sorter::new(folder, max_bytes),
            lines: Sorter::new(folder, max_bytes / 4),
        }
    }

    pub(in crate::seeding) fn note(&mut self, id: u128, line: u64) -> io::Result<()> {
        self.ids.push((id, line), &[])
    }

    /// The lines whose id stands on an earlier one.
    pub(in crate::seeding) fn repeats(mut self) -> io::Result<Repeats> {
        let (mut ids, mut payload, mut last) = (self.ids.sorted()?, Vec::new(), None);
        let mut count = 0;
        while let Some((id, line)) = ids.next(&mut payload)? {
            if last.replace(id) == Some(id) {
                count += 1;
                self.lines.push((line.into(), 0), &[])?;
            }
        }
        let mut repeats = Repeats {
            lines: self.lines.sorted()?,
            next: None,
            count,
        };
        repeats.advance()?;
        Ok(repeats)
    }
}

/// Lines in order, to be asked about in order.
pub(in crate::seeding) struct Repeats {
    lines: Sorted,
    next: Option<u128>,
    count: u64,
}

impl Repeats {
    /// How many there are.
    pub(in crate::seeding) fn count(&self) -> u64 {
        self.count
    }

    /// Whether this line, which is later than all asked about, is one of them.
    pub(in crate::seeding) fn contains(&mut self, line: u64) -> io::Result<bool> {
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
