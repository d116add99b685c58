use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_feed::{ContentItem, ItemKind, Platform};
use xxhash_rust::xxh3::xxh3_128;

use super::item_table::{COLUMNS, OPTIONAL_COLUMNS, item_from_row};
use crate::input::{Lines, Table};
use crate::{DropReason, InputReport, LabError, Progress};

const ITEM_FILE_NAMES: &str = "facebook.jsonl, reddit.jsonl and twitter.jsonl, or the same with .csv; run `weir preprocess` to create them";

/// File of the normalised items of one platform.
#[derive(Clone, Debug)]
pub(super) struct ItemFile {
    pub(super) platform: Platform,
    pub(super) path: PathBuf,
}

impl ItemFile {
    /// Returns the file of each platform that has one in `folder`, or an error if none has. JSON lines are preferred to a
    /// table.
    pub(super) fn find(folder: &Path) -> Result<Vec<Self>, LabError> {
        let file_of = |&platform: &Platform| {
            let mut paths = ["jsonl", "csv"]
                .map(|extension| folder.join(format!("{platform}.{extension}")))
                .into_iter();
            let path = paths.find(|path| path.is_file())?;
            Some(Self { platform, path })
        };
        let found: Vec<_> = Platform::ALL.iter().filter_map(file_of).collect();
        if found.is_empty() {
            return Err(LabError::NoFiles {
                kind: "normalised items",
                path: folder.to_owned(),
                expected: ITEM_FILE_NAMES,
            });
        }
        Ok(found)
    }
}

/// Reader of items in the order of their file.
pub(super) struct ItemReader<'a> {
    path: &'a Path,
    platform: Platform,
    source: Source<'a>,
    report: InputReport,
}

enum Source<'a> {
    Lines(Lines<'a>),
    Table(Table),
}

impl<'a> ItemReader<'a> {
    pub(super) fn open(file: &'a ItemFile, progress: &Progress) -> Result<Self, LabError> {
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
            report: InputReport::new(*platform),
        })
    }

    /// Returns the next item with its line number, or `None` at the end.
    ///
    /// An invalid line is an error, because `weir preprocess` writes those files; an invalid row of a table is dropped.
    pub(super) fn next(&mut self) -> Result<Option<(u64, ContentItem)>, LabError> {
        let found = match &mut self.source {
            Source::Lines(lines) => match lines.next()? {
                None => None,
                Some((line, content)) => Some((line, parse(self.path, line, content)?)),
            },
            Source::Table(table) => loop {
                let Some(row) = table.next()? else { break None };
                match item_from_row(&row, self.platform) {
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

    /// Returns the hashed id of the next item with its line number, or `None` at the end. Parses no more of a line than it
    /// must.
    pub(super) fn next_id(&mut self) -> Result<Option<(u64, u128)>, LabError> {
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
        let Id { id } = parse(self.path, line, content)?;
        Ok(Some((line, xxh3_128(id.as_bytes()))))
    }

    /// Drops an item that was read.
    pub(super) fn drop(&mut self, line: u64, kind: ItemKind, reason: DropReason) {
        self.report.unkeep(kind);
        self.report.drop(self.path, line, reason);
    }

    pub(super) fn into_report(self) -> InputReport {
        self.report
    }

    /// Returns the error of a file without items.
    pub(super) fn no_items_error(&self) -> LabError {
        self.report.unusable(self.path)
    }
}

/// Part of an item that identifies it.
#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Returns the id of a line that begins with it, as in the files of `weir preprocess`, if it has no escapes.
fn leading_id(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(br#"{"id":""#)?;
    let end = rest
        .iter()
        .position(|&byte| byte == b'"' || byte == b'\\')?;
    (rest[end] == b'"').then(|| &rest[..end])
}

fn parse<'l, T: Deserialize<'l>>(
    path: &Path,
    line: u64,
    content: Result<&'l [u8], DropReason>,
) -> Result<T, LabError> {
    let malformed = |message: String| LabError::Malformed {
        path: path.to_owned(),
        line,
        message,
    };
    let content = content.map_err(|reason| malformed(reason.as_str().to_owned()))?;
    serde_json::from_slice(content).map_err(|error| malformed(error.to_string()))
}
