//! External merge sort: sorted runs go to temporary files, which are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::mem;
use std::path::{Path, PathBuf};

/// Sort key, unique to a record.
pub(crate) type Key = (u128, u64);

const RUN_BUFFER_BYTES: usize = 1 << 16;
/// Maximum number of runs in a merge, which bounds open files and buffers.
const MAX_RUNS: usize = 64;

/// Collector of records in any order.
pub(crate) struct Sorter {
    entries: Vec<Entry>,
    payloads: Vec<u8>,
    runs: Vec<File>,
    pushed: u64,
    max_bytes: usize,
    folder: PathBuf,
}

#[derive(Clone, Copy)]
struct Entry {
    key: Key,
    start: usize,
    end: usize,
}

impl Sorter {
    /// Creates a sorter that holds about `max_bytes` in memory and the rest in unnamed files in `folder`.
    pub(crate) fn new(folder: &Path, max_bytes: usize) -> Self {
        Self {
            entries: Vec::new(),
            payloads: Vec::new(),
            runs: Vec::new(),
            pushed: 0,
            max_bytes,
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn push(&mut self, key: Key, payload: &[u8]) -> io::Result<()> {
        if self.bytes() + payload.len() > self.max_bytes && !self.entries.is_empty() {
            self.spill()?;
        }
        let start = self.payloads.len();
        self.payloads.extend_from_slice(payload);
        let end = self.payloads.len();
        self.entries.push(Entry { key, start, end });
        self.pushed += 1;
        Ok(())
    }

    /// Returns the records in the order of their keys.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted> {
        let records = if self.runs.is_empty() {
            self.entries.sort_unstable_by_key(|entry| entry.key);
            Records::InMemory {
                entries: self.entries.into_iter(),
                payloads: self.payloads,
            }
        } else {
            self.spill()?;
            Records::Merged(Merge::new(self.runs)?)
        };
        Ok(Sorted {
            len: self.pushed,
            records,
        })
    }

    fn bytes(&self) -> usize {
        self.payloads.len() + self.entries.len() * size_of::<Entry>()
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.runs.len() == MAX_RUNS {
            let mut merged = Run::create(&self.folder)?;
            let mut runs = Merge::new(mem::take(&mut self.runs))?;
            let mut payload = Vec::new();
            while let Some(key) = runs.next(&mut payload)? {
                merged.write(key, &payload)?;
            }
            self.runs.push(merged.finish()?);
        }
        self.entries.sort_unstable_by_key(|entry| entry.key);
        let mut run = Run::create(&self.folder)?;
        for entry in &self.entries {
            run.write(entry.key, &self.payloads[entry.start..entry.end])?;
        }
        self.runs.push(run.finish()?);
        self.entries.clear();
        self.payloads.clear();
        Ok(())
    }
}

/// Iterator over sorted records.
pub(crate) struct Sorted {
    len: u64,
    records: Records,
}

enum Records {
    InMemory {
        entries: std::vec::IntoIter<Entry>,
        payloads: Vec<u8>,
    },
    Merged(Merge),
}

impl Sorted {
    /// Returns the total number of records.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Returns the next key and writes its payload to `payload`, or returns `None` at the end.
    pub(crate) fn next(&mut self, payload: &mut Vec<u8>) -> io::Result<Option<Key>> {
        match &mut self.records {
            Records::Merged(merge) => merge.next(payload),
            Records::InMemory { entries, payloads } => Ok(entries.next().map(|entry| {
                payload.clear();
                payload.extend_from_slice(&payloads[entry.start..entry.end]);
                entry.key
            })),
        }
    }
}

/// Writer of a sorted run: key, length and payload of each record.
struct Run(BufWriter<File>);

impl Run {
    fn create(folder: &Path) -> io::Result<Self> {
        Ok(Self(BufWriter::with_capacity(
            RUN_BUFFER_BYTES,
            tempfile::tempfile_in(folder)?,
        )))
    }

    fn write(&mut self, (high, low): Key, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
        self.0.write_all(&high.to_le_bytes())?;
        self.0.write_all(&low.to_le_bytes())?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(payload)
    }

    /// Returns the file, rewound.
    fn finish(self) -> io::Result<File> {
        let mut file = self.0.into_inner()?;
        file.rewind()?;
        Ok(file)
    }
}

/// Merge of several runs.
struct Merge {
    runs: Vec<BufReader<File>>,
    /// Next key of each run that is not exhausted.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
}

impl Merge {
    fn new(files: Vec<File>) -> io::Result<Self> {
        let runs = files
            .into_iter()
            .map(|file| BufReader::with_capacity(RUN_BUFFER_BYTES, file))
            .collect();
        let mut merge = Self {
            runs,
            heads: BinaryHeap::new(),
        };
        for index in 0..merge.runs.len() {
            merge.advance(index)?;
        }
        Ok(merge)
    }

    fn next(&mut self, payload: &mut Vec<u8>) -> io::Result<Option<Key>> {
        let Some(Reverse((key, index))) = self.heads.pop() else {
            return Ok(None);
        };
        let mut length = [0; 4];
        self.runs[index].read_exact(&mut length)?;
        payload.resize(u32::from_le_bytes(length) as usize, 0);
        self.runs[index].read_exact(payload)?;
        self.advance(index)?;
        Ok(Some(key))
    }

    /// Reads the key of the next record of a run.
    fn advance(&mut self, index: usize) -> io::Result<()> {
        let (mut high, mut low) = ([0; 16], [0; 8]);
        match self.runs[index].read_exact(&mut high) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        self.runs[index].read_exact(&mut low)?;
        let key = (u128::from_le_bytes(high), u64::from_le_bytes(low));
        self.heads.push(Reverse((key, index)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sort(records: &[(u128, Vec<u8>)], max_bytes: usize) -> Vec<(u128, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(folder.path(), max_bytes);
        for (index, (key, payload)) in (0..).zip(records) {
            sorter.push((*key, index), payload).unwrap();
        }
        let (mut in_order, mut payload, mut records) =
            (sorter.sorted().unwrap(), Vec::new(), Vec::new());
        while let Some(key) = in_order.next(&mut payload).unwrap() {
            records.push((key.0, payload.clone()));
        }
        records
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn records_are_sorted_for_any_memory_limit(
            records in prop::collection::vec((0_u128..40, prop::collection::vec(any::<u8>(), 0..20)), 0..300),
            max_bytes in prop::sample::select(vec![1, 200, 5000, 1 << 20]),
        ) {
            let mut expected = records.clone();
            expected.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(sort(&records, max_bytes), expected);
        }
    }
}
