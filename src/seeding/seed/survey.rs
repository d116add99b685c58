use std::env;
use std::io;

use xxhash_rust::xxh3::xxh3_128;

use super::super::items::{ItemFile, ItemReader};
use super::super::preprocess::{RepeatFinder, Repeats};
use super::super::{Progress, SeedingError};

/// Bytes of ids held in memory; more go to temporary files.
const MAX_BYTES: usize = 24 << 20;

/// What a first reading of a file tells.
pub(super) struct Survey {
    pub(super) file: ItemFile,
    repeats: Repeats,
}

impl Survey {
    pub(super) fn of(file: ItemFile, progress: &Progress) -> Result<Self, SeedingError> {
        let folder = env::temp_dir();
        let mut ids = RepeatFinder::new(&folder, MAX_BYTES);
        let mut reader = ItemReader::open(&file, progress)?;
        while let Some((line, item)) = reader.next()? {
            ids.note(xxh3_128(item.id.as_bytes()), line)
                .map_err(sorting)?;
        }
        reader.finish()?;
        let repeats = ids.repeats().map_err(sorting)?;
        Ok(Self { file, repeats })
    }

    /// Whether the item on this line, which is later than all asked about, has the id of an earlier one.
    pub(super) fn is_repeat(&mut self, line: u64) -> Result<bool, SeedingError> {
        self.repeats.contains(line).map_err(sorting)
    }
}

fn sorting(error: io::Error) -> SeedingError {
    SeedingError::file("sort in", &env::temp_dir())(error)
}
