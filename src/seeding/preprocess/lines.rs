use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::super::SeedingError;
use super::super::progress::{Bar, Counted, Progress};
use super::report::Reason;

const MAX_LINE_BYTES: u64 = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line's number, and the line or why it is left out.
pub(in crate::seeding) type Line<'l> = (u64, Result<&'l [u8], Reason>);

/// Lines of bounded length, numbered from 1, empty ones passed over.
pub(in crate::seeding) struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<Counted<File>>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(in crate::seeding) fn open(
        path: &'a Path,
        progress: &Progress,
    ) -> Result<Self, SeedingError> {
        let bar = Bar::of_file(progress, path)?;
        let file = File::open(path).map_err(SeedingError::file("read", path))?;
        Ok(Self {
            path,
            reader: BufReader::with_capacity(1 << 17, Counted::new(file, bar)),
            line: Vec::new(),
            number: 0,
        })
    }

    /// The next line and its number; `None` at the end.
    pub(in crate::seeding) fn next(&mut self) -> Result<Option<Line<'_>>, SeedingError> {
        loop {
            self.line.clear();
            self.number += 1;
            let length = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut self.line);
            let length = length.map_err(SeedingError::file("read", self.path))?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 == MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
                self.reader
                    .skip_until(b'\n')
                    .map_err(SeedingError::file("read", self.path))?;
                return Ok(Some((self.number, Err(Reason::LineTooLong))));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line.trim_ascii();
        let line = if self.number == 1 {
            line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
        } else {
            line
        };
        Ok(Some((self.number, Ok(line))))
    }
}
