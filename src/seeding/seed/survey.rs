use std::env;
use std::io;

use super::super::items::{ItemFile, ItemReader};
use super::super::preprocess::{RepeatFinder, Repeats};
use super::super::{Progress, SeedingError};

/// Bytes of ids held in memory; more go to temporary files.
const MAX_BYTES: usize = 24 << 20;

/// What a first reading of a file tells.
pub(super) struct Survey {
    pub(super) file: ItemFile,
    /// Items, without those whose id came before.
    pub(super) items: u64,
    repeats: Repeats,
}

impl Survey {
    pub(super) fn of(file: ItemFile, progress: &Progress) -> Result<Self, SeedingError> {
        let folder = env::temp_dir();
        let mut ids = RepeatFinder::new(&folder, MAX_BYTES);
        let mut reader = ItemReader::open(&file, progress)?;
        let mut read = 0;
        while let Some((line, key)) = reader.next_key()? {
            ids.note(key, line).map_err(sorting)?;
            read += 1;
        }
        if read == 0 {
            return Err(reader.without_items());
        }
        let repeats = ids.repeats().map_err(sorting)?;
        Ok(Self {
            items: read - repeats.count(),
            file,
            repeats,
        })
    }

    /// Whether the item on this line, which is later than all asked about, has the id of an earlier one.
    pub(super) fn is_repeat(&mut self, line: u64) -> Result<bool, SeedingError> {
        self.repeats.contains(line).map_err(sorting)
    }
}

fn sorting(error: io::Error) -> SeedingError {
    SeedingError::file("sort in", &env::temp_dir())(error)
}
