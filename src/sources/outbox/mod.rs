//! What a scraper has fetched and nobody has stored yet: a file, which also says where the scraper stands.
//!
//! One entry a line, appended and synced, so that the posts and the position after them are written both or not at all.
//! What is acknowledged is cut off by writing the rest to a new file, which takes the old one's place.

mod file;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::file::SyncedFile;
use super::Position;

/// Once so much of the file is acknowledged, it is cut off although more is waiting.
const CUT_BYTES: u64 = 4 * 1024 * 1024;

/// The file of one scraper. All calls block.
#[derive(Debug)]
pub struct Outbox {
    file: SyncedFile,
    /// Where which source stands.
    source: String,
    position: Position,
    waiting: VecDeque<Line>,
    /// Entries that were ever added.
    entries: u64,
    /// Error of the last write of the file, if it failed.
    failure: Option<String>,
}

/// An entry that waits.
#[derive(Clone, Copy, Debug)]
struct Line {
    receipt: Receipt,
    start: u64,
    length: u64,
}

/// Which entry was read, so that no other is acknowledged in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt(u64);

/// One page, and where the source stands after it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The pass that fetched it.
    pub task_id: String,
    /// The source that was asked, by its kind and arguments.
    #[serde(default)]
    pub source: String,
    /// Where the source stands; `None` leaves it where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The posts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<OutboxPost>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// A post that waits to be stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct OutboxPost {
    /// Its id, unique among all sources.
    pub post_id: String,
    /// The post.
    pub blob: Box<RawValue>,
}

impl OutboxEntry {
    /// Whether there is nothing in it to store.
    fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.errors.is_empty()
    }
}

/// Why an outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The system refused.
    #[error("the outbox {} cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else has written into the file.
    #[error("line {line} of the outbox {} cannot be read; move the file away to begin anew", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Weir stopped, or the file's owner panicked.
    #[error("the outbox was abandoned")]
    Abandoned,
}

impl Outbox {
    /// Opens the file, made when absent. A last line that was cut off by a crash is dropped: its pass did not count.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        let file = SyncedFile::open(path).map_err(|source| io_error(path, source))?;
        let mut outbox = Self {
            file,
            source: String::new(),
            position: Position::default(),
            waiting: VecDeque::new(),
            entries: 0,
            failure: None,
        };
        outbox.read_lines()?;
        outbox
            .file
            .cut_tail()
            .map_err(|source| io_error(path, source))?;
        Ok(outbox)
    }

    /// Where `source` stands: at its beginning if another source, or the same with other arguments, was asked last.
    pub fn position_of(&self, source: &str) -> Position {
        if self.source == source {
            self.position.clone()
        } else {
            Position::default()
        }
    }

    /// The bytes that wait to be stored.
    pub fn waiting_bytes(&self) -> u64 {
        let end = self.file.end();
        self.waiting.front().map_or(0, |line| end - line.start)
    }

    /// Returns the error of the last write of the file, if it failed.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Writes an entry down, on the disk when this returns. An entry that says nothing new is left out, unless the write
    /// before it failed.
    pub fn append(&mut self, entry: &OutboxEntry) -> Result<(), OutboxError> {
        let moves = entry
            .position
            .as_ref()
            .filter(|&next| *next != self.position_of(&entry.source));
        if entry.is_empty() && moves.is_none() && self.failure.is_none() {
            return Ok(());
        }
        let mut line = serde_json::to_vec(entry).map_err(|error| self.failed(error.into()))?;
        line.push(b'\n');
        let start = self.file.end();
        if let Err(error) = self.file.append(&line) {
            self.failure = Some(error.to_string());
            return Err(self.failed(error));
        }
        self.failure = None;
        self.add(entry, start, line.len() as u64);
        Ok(())
    }

    /// The entry that has waited longest.
    pub fn first(&mut self) -> Result<Option<(Receipt, OutboxEntry)>, OutboxError> {
        let Some(&line) = self.waiting.front() else {
            return Ok(None);
        };
        let text = self.file.read(line.start, line.length);
        let text = text.map_err(|error| self.failed(error))?;
        serde_json::from_slice(&text)
            .map(|entry| Some((line.receipt, entry)))
            .map_err(|_| OutboxError::Unreadable {
                path: self.file.path().to_owned(),
                line: 1,
            })
    }

    /// Forgets the entry that has waited longest, which is stored. One that is forgotten already stays so.
    pub fn acknowledge(&mut self, receipt: Receipt) -> Result<(), OutboxError> {
        let first = self.waiting.pop_front_if(|line| line.receipt == receipt);
        let Some(Line { start, length, .. }) = first else {
            return Ok(());
        };
        let acknowledged = start + length;
        if self.waiting.is_empty() || acknowledged >= CUT_BYTES {
            let cut = self.cut(acknowledged);
            self.failure = cut.as_ref().err().map(ToString::to_string);
            return cut.map_err(|error| self.failed(error));
        }
        Ok(())
    }

    /// Replaces the file by one that begins with the position and what lies behind `acknowledged`.
    fn cut(&mut self, acknowledged: u64) -> io::Result<()> {
        let head = OutboxEntry {
            source: self.source.clone(),
            position: Some(self.position.clone()),
            ..OutboxEntry::default()
        };
        let mut text = serde_json::to_vec(&head)?;
        text.push(b'\n');
        let rest = text.len() as u64;
        let waiting = self.file.end() - acknowledged;
        text.extend(self.file.read(acknowledged, waiting)?);
        self.file.replace(&text)?;
        for line in &mut self.waiting {
            line.start = line.start - acknowledged + rest;
        }
        self.file.sync_folder()
    }

    fn read_lines(&mut self) -> Result<(), OutboxError> {
        let mut lines = self.file.lines().map_err(|error| self.failed(error))?;
        let mut line = Vec::new();
        let mut unreadable = None;
        for number in 1.. {
            line.clear();
            let read = lines.read_until(b'\n', &mut line);
            let length = read.map_err(|error| self.failed(error))? as u64;
            if length == 0 {
                break;
            }
            if let Some(line) = unreadable {
                let path = self.file.path().to_owned();
                return Err(OutboxError::Unreadable { path, line });
            }
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice::<OutboxEntry>(&line) {
                Ok(entry) if whole => {
                    let start = self.file.admit(length);
                    self.add(&entry, start, length);
                }
                _ => unreadable = Some(number),
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &OutboxEntry, start: u64, length: u64) {
        if let Some(position) = &entry.position {
            self.source.clone_from(&entry.source);
            self.position.clone_from(position);
        }
        if !entry.is_empty() {
            self.entries += 1;
            self.waiting.push_back(Line {
                receipt: Receipt(self.entries),
                start,
                length,
            });
        }
    }

    fn failed(&self, source: io::Error) -> OutboxError {
        io_error(self.file.path(), source)
    }
}

fn io_error(path: &Path, source: io::Error) -> OutboxError {
    OutboxError::Io {
        path: path.to_owned(),
        source,
    }
}
