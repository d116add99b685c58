use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::DropReason;
use crate::LabError;
use crate::progress::{Bar, Progress, ProgressReader};

const MAX_LINE_BYTES: u64 = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line number, and the line or the reason to drop it.
pub(crate) type Line<'l> = (u64, Result<&'l [u8], DropReason>);

/// Reader of lines of bounded length, numbered from 1, that skips empty lines.
pub(crate) struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<ProgressReader<File>>,
    line: Vec<u8>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn open(path: &'a Path, progress: &Progress) -> Result<Self, LabError> {
        let bar = Bar::for_file(progress, path)?;
        let file = File::open(path).map_err(LabError::file("read", path))?;
        Ok(Self {
            path,
            reader: BufReader::with_capacity(1 << 17, ProgressReader::new(file, bar)),
            line: Vec::new(),
            number: 0,
        })
    }

    /// Returns the next line, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Line<'_>>, LabError> {
        loop {
            self.line.clear();
            self.number += 1;
            let length = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut self.line)
                .map_err(LabError::file("read", self.path))?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 == MAX_LINE_BYTES && !self.line.ends_with(b"\n") {
                self.reader
                    .skip_until(b'\n')
                    .map_err(LabError::file("read", self.path))?;
                return Ok(Some((self.number, Err(DropReason::LineTooLong))));
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
