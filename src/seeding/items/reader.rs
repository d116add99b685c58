use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_128;

use super::super::preprocess::{Lines, Reason, Report, Table};
use super::super::{Progress, SeedingError};
use super::ItemFile;
use super::table_item::{COLUMNS, OPTIONAL_COLUMNS, item};
use weir_feed::{ContentItem, ItemKind, Platform};

/// Reads items in the order of their file.
pub(in crate::seeding) struct ItemReader<'a> {
    path: &'a Path,
    platform: Platform,
    source: Source<'a>,
    report: Report,
}

enum Source<'a> {
    Lines(Lines<'a>),
    Table(Table),
}

impl<'a> ItemReader<'a> {
    pub(in crate::seeding) fn open(
        file: &'a ItemFile,
        progress: &Progress,
    ) -> Result<Self, SeedingError> {
        let ItemFile { platform, path } = file;
        let source = if path.extension().is_some_and(|ending| ending == "csv") {
            Source::Table(Table::open(path, &COLUMNS, &OPTIONAL_COLUMNS, progress)?)
        } else {
            Source::Lines(Lines::open(path, progress)?)
        };
        Ok(Self {
            path,
            platform: *platform,
            source,
            report: Report::new(*platform),
        })
    }

    /// The next item with its line, from 1; `None` at the end. A line that is no item is an error, for Weir wrote those
    /// files; a row of a table that is none is left out and counted.
    pub(in crate::seeding) fn next(&mut self) -> Result<Option<(u64, ContentItem)>, SeedingError> {
        let found = match &mut self.source {
            Source::Lines(lines) => match lines.next()? {
                None => None,
                Some((line, content)) => Some((line, parsed(self.path, line, content)?)),
            },
            Source::Table(table) => loop {
                let Some(row) = table.next()? else { break None };
                match item(&row, self.platform) {
                    Ok(item) => break Some((row.line, item)),
                    Err(reason) => self.report.drop(self.path, row.line, reason),
                }
            },
        };
        if let Some((_, item)) = &found {
            self.report.keep(item.kind);
        }
        Ok(found)
    }

    /// The id of the next item, hashed, with its line; `None` at the end. Reads no more of a line than that takes.
    pub(in crate::seeding) fn next_key(&mut self) -> Result<Option<(u64, u128)>, SeedingError> {
        let Source::Lines(lines) = &mut self.source else {
            let item = self.next()?;
            return Ok(item.map(|(line, item)| (line, xxh3_128(item.id.as_bytes()))));
        };
        let Some((line, content)) = lines.next()? else {
            return Ok(None);
        };
        if let Some(id) = content.ok().and_then(leading_id) {
            return Ok(Some((line, xxh3_128(id))));
        }
        let Id { id } = parsed(self.path, line, content)?;
        Ok(Some((line, xxh3_128(id.as_bytes()))))
    }

    /// Counts an item that was read among those left out.
    pub(in crate::seeding) fn leave_out(&mut self, line: u64, kind: ItemKind, reason: Reason) {
        self.report.take_back(kind);
        self.report.drop(self.path, line, reason);
    }

    /// What was read and what was left out.
    pub(in crate::seeding) fn report(self) -> Report {
        self.report
    }

    /// The error of a file in which there was no item.
    pub(in crate::seeding) fn without_items(&self) -> SeedingError {
        self.report.unusable(self.path)
    }
}

/// As much of an item as tells it from others.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// The id of a line as Weir writes it, where it comes first and has no escapes.
fn leading_id(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(br#"{"id":""#)?;
    let end = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\')?;
    (rest[end] == b'"').then(|| &rest[..end])
}

fn parsed<'l, T: Deserialize<'l>>(
    path: &Path,
    line: u64,
    content: Result<&'l [u8], Reason>,
) -> Result<T, SeedingError> {
    let malformed = |message: String| SeedingError::Malformed {
        path: path.to_owned(),
        line,
        message,
    };
    let content = content.map_err(|reason| malformed(reason.as_str().to_owned()))?;
    serde_json::from_slice(content).map_err(|error| malformed(error.to_string()))
}
