use std::path::Path;

use super::super::preprocess::{Lines, Reason, Report, Table};
use super::super::{Progress, SeedingError};
use super::ItemFile;
use super::table_item::{COLUMNS, OPTIONAL_COLUMNS, item};
use crate::feed::{ContentItem, Platform};

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

    /// Counts an item that was read among those left out.
    pub(in crate::seeding) fn leave_out(&mut self, line: u64, item: &ContentItem, reason: Reason) {
        self.report.take_back(item.kind);
        self.report.drop(self.path, line, reason);
    }

    /// What was read and what was left out; an error where the file has no item at all.
    pub(in crate::seeding) fn finish(self) -> Result<Report, SeedingError> {
        self.report.check_usable(self.path)?;
        Ok(self.report)
    }
}

fn parsed(
    path: &Path,
    line: u64,
    content: Result<&[u8], Reason>,
) -> Result<ContentItem, SeedingError> {
    let malformed = |message: String| SeedingError::Malformed {
        path: path.to_owned(),
        line,
        message,
    };
    let content = content.map_err(|reason| malformed(reason.as_str().to_owned()))?;
    serde_json::from_slice(content).map_err(|error| malformed(error.to_string()))
}
