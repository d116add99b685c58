use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::super::SeedingError;
use super::super::progress::{Bar, Counted, Progress};
use super::report::Reason;

/// Bytes of the longest row; what a quote that is never closed can take into memory.
const MAX_ROW_BYTES: u64 = 1 << 24;

/// A CSV file read row by row, its columns found by name.
pub(in crate::seeding) struct Table {
    path: PathBuf,
    rows: Reader<RowBound<Counted<File>>>,
    record: ByteRecord,
    width: usize,
    /// 1 where lines end in CR LF: a record then begins, to the parser, at the LF of the line before.
    line_offset: u64,
    /// Where each wanted column stands.
    places: Vec<Option<usize>>,
}

impl Table {
    /// `required` columns must be there, `optional` ones need not; a field is asked for by its number among both.
    pub(in crate::seeding) fn open(
        path: &Path,
        required: &[&'static str],
        optional: &[&'static str],
        progress: &Progress,
    ) -> Result<Self, SeedingError> {
        let bar = Bar::of_file(progress, path)?;
        let file = File::open(path).map_err(SeedingError::file("read", path))?;
        let mut rows = ReaderBuilder::new()
            .flexible(true)
            .buffer_capacity(1 << 17)
            .from_reader(RowBound::new(Counted::new(file, bar)));
        let header = rows
            .byte_headers()
            .map_err(SeedingError::file("read", path))?;
        let header: Vec<_> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        if header.is_empty() {
            return Err(SeedingError::Empty {
                path: path.to_owned(),
            });
        }
        let place = |column: &str| header.iter().position(|name| name == column);
        if let Some(column) = required.iter().find(|column| place(column).is_none()) {
            return Err(SeedingError::MissingColumn {
                path: path.to_owned(),
                column,
                found: header.join(", "),
            });
        }
        let line_offset = u64::from(rows.position().line() == 1);
        Ok(Self {
            path: path.to_owned(),
            line_offset,
            rows,
            record: ByteRecord::new(),
            width: header.len(),
            places: required
                .iter()
                .chain(optional)
                .map(|column| place(column))
                .collect(),
        })
    }

    /// The next row and its line; `None` at the end.
    pub(in crate::seeding) fn next(&mut self) -> Result<Option<Row<'_>>, SeedingError> {
        self.rows.get_mut().left = MAX_ROW_BYTES;
        let line = self.rows.position().line() + self.line_offset;
        let more = self.rows.read_byte_record(&mut self.record);
        if self.rows.get_ref().left == 0 {
            return Err(SeedingError::Malformed {
                path: self.path.clone(),
                line,
                message: "a row over 16 MiB, perhaps for a quote that is not closed".to_owned(),
            });
        }
        if !more.map_err(SeedingError::file("read", &self.path))? {
            return Ok(None);
        }
        Ok(Some(Row {
            line,
            is_unclosed: self.is_unclosed(),
            record: &self.record,
            width: self.width,
            places: &self.places,
        }))
    }

    /// Whether the row goes over lines to the end of the file, and no quote ends it there.
    fn is_unclosed(&self) -> bool {
        let source = self.rows.get_ref();
        let last_field = self.record.iter().next_back().unwrap_or_default();
        source.at_end && source.last_byte != b'"' && last_field.contains(&b'\n')
    }
}

/// A reader that fails rather than give more bytes than are left to a row, and knows how it ended.
struct RowBound<R> {
    reader: R,
    left: u64,
    at_end: bool,
    last_byte: u8,
}

impl<R> RowBound<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            left: MAX_ROW_BYTES,
            at_end: false,
            last_byte: 0,
        }
    }
}

impl<R: Read> Read for RowBound<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.left = self.left.saturating_sub(length as u64);
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.at_end = length == 0;
        if let Some(&last) = buffer[..length].last() {
            self.last_byte = last;
        }
        Ok(length)
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(in crate::seeding) struct Row<'a> {
    /// From 1.
    pub(in crate::seeding) line: u64,
    is_unclosed: bool,
    record: &'a ByteRecord,
    width: usize,
    places: &'a [Option<usize>],
}

impl<'a> Row<'a> {
    /// Whether the row ends, and is as wide as the table.
    pub(in crate::seeding) fn check_shape(&self) -> Result<(), Reason> {
        if self.is_unclosed {
            Err(Reason::UnclosedQuote)
        } else if self.record.len() != self.width {
            Err(Reason::WrongNumberOfFields)
        } else {
            Ok(())
        }
    }

    /// The field of a wanted column, trimmed; empty where the table lacks the column.
    pub(in crate::seeding) fn get(&self, column: usize) -> Result<&'a str, Reason> {
        let place = self.places.get(column).copied().flatten();
        let field = place
            .and_then(|place| self.record.get(place))
            .unwrap_or_default();
        std::str::from_utf8(field)
            .map(str::trim)
            .map_err(|_| Reason::InvalidUtf8)
    }

    /// A whole number, 0 where the field is empty.
    pub(in crate::seeding) fn number(&self, column: usize) -> Result<i64, Reason> {
        match self.get(column)? {
            "" => Ok(0),
            text => weir_feed::parse_integer(text).ok_or(Reason::BadCount),
        }
    }

    /// A count, 0 where the field is empty.
    pub(in crate::seeding) fn count(&self, column: usize) -> Result<u64, Reason> {
        u64::try_from(self.number(column)?).map_err(|_| Reason::BadCount)
    }
}
