use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::DropReason;
use crate::LabError;
use crate::progress::{Bar, Progress, ProgressReader};

/// Size of the longest row, which bounds the memory that an unterminated quote takes.
const MAX_ROW_BYTES: u64 = 1 << 24;

/// Reader of a CSV file whose columns are found by name.
pub(crate) struct Table {
    path: PathBuf,
    rows: Reader<RowLimit<ProgressReader<File>>>,
    record: ByteRecord,
    width: usize,
    /// 1 if lines end in CR LF: to the parser, a record then begins at the LF of the line before.
    line_offset: u64,
    /// Field index of each requested column.
    indices: Vec<Option<usize>>,
}

impl Table {
    /// Opens a table. A field is later read by the number of its column in `required` followed by `optional`; the file may
    /// lack optional columns.
    pub(crate) fn open(
        path: &Path,
        required: &[&'static str],
        optional: &[&'static str],
        progress: &Progress,
    ) -> Result<Self, LabError> {
        let bar = Bar::for_file(progress, path)?;
        let file = File::open(path).map_err(LabError::file("read", path))?;
        let mut rows = ReaderBuilder::new()
            .flexible(true)
            .buffer_capacity(1 << 17)
            .from_reader(RowLimit::new(ProgressReader::new(file, bar)));
        let header = rows.byte_headers().map_err(LabError::file("read", path))?;
        let header: Vec<_> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        if header.is_empty() {
            return Err(LabError::Empty {
                path: path.to_owned(),
            });
        }
        let index = |column: &str| header.iter().position(|name| name == column);
        if let Some(column) = required.iter().find(|column| index(column).is_none()) {
            return Err(LabError::MissingColumn {
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
            indices: required
                .iter()
                .chain(optional)
                .map(|column| index(column))
                .collect(),
        })
    }

    /// Returns the next row, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, LabError> {
        self.rows.get_mut().bytes_left = MAX_ROW_BYTES;
        let line = self.rows.position().line() + self.line_offset;
        let more = self.rows.read_byte_record(&mut self.record);
        if self.rows.get_ref().bytes_left == 0 {
            return Err(LabError::Malformed {
                path: self.path.clone(),
                line,
                message: "row over 16 MiB; a quote may be unterminated".to_owned(),
            });
        }
        if !more.map_err(LabError::file("read", &self.path))? {
            return Ok(None);
        }
        Ok(Some(Row {
            line,
            is_unterminated: self.is_unterminated(),
            record: &self.record,
            width: self.width,
            indices: &self.indices,
        }))
    }

    /// Returns whether the row spans lines up to the end of the file and does not end in a quote there.
    fn is_unterminated(&self) -> bool {
        let source = self.rows.get_ref();
        let last_field = self.record.iter().next_back().unwrap_or_default();
        source.at_end && source.last_byte != b'"' && last_field.contains(&b'\n')
    }
}

/// Reader that fails once a row exceeds its limit, and remembers how the file ended.
struct RowLimit<R> {
    reader: R,
    bytes_left: u64,
    at_end: bool,
    last_byte: u8,
}

impl<R> RowLimit<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            bytes_left: MAX_ROW_BYTES,
            at_end: false,
            last_byte: 0,
        }
    }
}

impl<R: Read> Read for RowLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.bytes_left = self.bytes_left.saturating_sub(length as u64);
        if self.bytes_left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.at_end = length == 0;
        if let Some(&last) = buffer[..length].last() {
            self.last_byte = last;
        }
        Ok(length)
    }
}

/// Row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Line number, from 1.
    pub(crate) line: u64,
    is_unterminated: bool,
    record: &'a ByteRecord,
    width: usize,
    indices: &'a [Option<usize>],
}

impl<'a> Row<'a> {
    /// Fails if the row is unterminated or its number of fields differs from the header.
    pub(crate) fn check_shape(&self) -> Result<(), DropReason> {
        if self.is_unterminated {
            Err(DropReason::UnterminatedQuote)
        } else if self.record.len() != self.width {
            Err(DropReason::WrongNumberOfFields)
        } else {
            Ok(())
        }
    }

    /// Returns the trimmed field of a requested column, which is empty if the table lacks the column.
    pub(crate) fn get(&self, column: usize) -> Result<&'a str, DropReason> {
        let index = self.indices.get(column).copied().flatten();
        let field = index
            .and_then(|index| self.record.get(index))
            .unwrap_or_default();
        std::str::from_utf8(field)
            .map(str::trim)
            .map_err(|_| DropReason::InvalidUtf8)
    }

    /// Returns an integer field, 0 if it is empty.
    pub(crate) fn number(&self, column: usize) -> Result<i64, DropReason> {
        match self.get(column)? {
            "" => Ok(0),
            text => weir_feed::parse_integer(text).ok_or(DropReason::InvalidCount),
        }
    }

    /// Returns a count, 0 if the field is empty.
    pub(crate) fn count(&self, column: usize) -> Result<u64, DropReason> {
        u64::try_from(self.number(column)?).map_err(|_| DropReason::InvalidCount)
    }
}
