//! What a scraper has fetched and nobody has stored yet: a file, which also says where the scraper stands.
//!
//! One entry a line, appended and synced, so that the posts and the position after them are written both or not at all.
//! What is acknowledged is cut off by writing the rest to a new file, which takes the old one's place.

mod entry;
mod error;
mod file;

use std::collections::VecDeque;
use std::fs::{File, create_dir_all};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

pub use self::entry::{OutboxEntry, OutboxPost};
pub use self::error::OutboxError;
use self::file::{open, read_at, write_at};
use super::Position;
use crate::durable_file::{put, sync_folder_of};

/// Once so much of the file is acknowledged, it is cut off although more is waiting.
const CUT_BYTES: u64 = 4 * 1024 * 1024;

/// The file of one scraper. All calls block.
#[derive(Debug)]
pub struct Outbox {
    path: PathBuf,
    file: File,
    /// Where which source stands.
    source: String,
    position: Position,
    waiting: VecDeque<Line>,
    /// Entries that were ever added.
    entries: u64,
    end: u64,
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

impl Outbox {
    /// Opens the file, made when absent. A last line that was cut off by a crash is dropped: its pass did not count.
    pub fn open(path: &Path) -> Result<Self, OutboxError> {
        let failed = |source| OutboxError::Io {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            create_dir_all(folder).map_err(failed)?;
        }
        let file = open(path).map_err(failed)?;
        let mut outbox = Self {
            path: path.to_owned(),
            file,
            source: String::new(),
            position: Position::default(),
            waiting: VecDeque::new(),
            entries: 0,
            end: 0,
            failure: None,
        };
        outbox.read_lines()?;
        outbox.file.set_len(outbox.end).map_err(failed)?;
        outbox.file.sync_all().map_err(failed)?;
        sync_folder_of(path).map_err(failed)?;
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
        self.waiting.front().map_or(0, |line| self.end - line.start)
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
        if let Err(error) = write_at(&mut self.file, self.end, &line) {
            // Whatever part was written does not count.
            let _ = self.file.set_len(self.end);
            self.failure = Some(error.to_string());
            return Err(self.failed(error));
        }
        self.failure = None;
        self.add(entry, line.len() as u64);
        Ok(())
    }

    /// The entry that has waited longest.
    pub fn first(&mut self) -> Result<Option<(Receipt, OutboxEntry)>, OutboxError> {
        let Some(&line) = self.waiting.front() else {
            return Ok(None);
        };
        let text = read_at(&mut self.file, line.start, line.length);
        let text = text.map_err(|error| self.failed(error))?;
        serde_json::from_slice(&text)
            .map(|entry| Some((line.receipt, entry)))
            .map_err(|_| OutboxError::Unreadable {
                path: self.path.clone(),
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
        text.extend(read_at(
            &mut self.file,
            acknowledged,
            self.end - acknowledged,
        )?);
        // From then on the old file has no name: whatever fails yet, nothing more may be written there.
        self.file = put(&self.path, &text)?;
        self.end = text.len() as u64;
        for line in &mut self.waiting {
            line.start = line.start - acknowledged + rest;
        }
        sync_folder_of(&self.path)
    }

    fn read_lines(&mut self) -> Result<(), OutboxError> {
        let file = self.file.try_clone().map_err(|error| self.failed(error))?;
        let mut lines = BufReader::new(file);
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
                let path = self.path.clone();
                return Err(OutboxError::Unreadable { path, line });
            }
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice::<OutboxEntry>(&line) {
                Ok(entry) if whole => self.add(&entry, length),
                _ => unreadable = Some(number),
            }
        }
        Ok(())
    }

    fn add(&mut self, entry: &OutboxEntry, length: u64) {
        if let Some(position) = &entry.position {
            self.source.clone_from(&entry.source);
            self.position.clone_from(position);
        }
        if !entry.is_empty() {
            self.entries += 1;
            self.waiting.push_back(Line {
                receipt: Receipt(self.entries),
                start: self.end,
                length,
            });
        }
        self.end += length;
    }

    fn failed(&self, source: io::Error) -> OutboxError {
        OutboxError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use serde_json::value::to_raw_value;
    use tempfile::TempDir;

    use super::*;

    const SOURCE: &str = "rss:1";

    fn page(number: u32) -> OutboxEntry {
        let post = OutboxPost {
            post_id: number.to_string(),
            blob: to_raw_value(&json!({ "n": number })).unwrap(),
        };
        OutboxEntry {
            task_id: "task".to_owned(),
            source: SOURCE.to_owned(),
            position: Some(Position::new(&number)),
            posts: vec![post],
            errors: Vec::new(),
        }
    }

    fn first(outbox: &mut Outbox) -> Option<String> {
        let (_, entry) = outbox.first().unwrap()?;
        Some(entry.posts[0].post_id.clone())
    }

    fn acknowledge(outbox: &mut Outbox) {
        let (receipt, _) = outbox.first().unwrap().unwrap();
        outbox.acknowledge(receipt).unwrap();
    }

    fn reopened(folder: &TempDir) -> Outbox {
        Outbox::open(&folder.path().join("feeds/a.jsonl")).unwrap()
    }

    #[test]
    fn entries_and_the_position_outlive_a_restart_in_their_order() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        for number in 1..=3 {
            outbox.append(&page(number)).unwrap();
        }
        acknowledge(&mut outbox);
        let mut outbox = reopened(&folder);
        // The acknowledgement of one of several is not on the disk: it comes once more, and is stored once.
        acknowledge(&mut outbox);
        assert_eq!(first(&mut outbox).as_deref(), Some("2"));
        acknowledge(&mut outbox);
        acknowledge(&mut outbox);
        let mut outbox = reopened(&folder);
        assert_eq!(first(&mut outbox), None);
        assert_eq!(outbox.waiting_bytes(), 0);
        assert_eq!(outbox.position_of(SOURCE), Position::new(&3));
    }

    #[test]
    fn an_entry_acknowledged_twice_costs_no_other() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        outbox.append(&page(1)).unwrap();
        outbox.append(&page(2)).unwrap();
        let (receipt, _) = outbox.first().unwrap().unwrap();
        outbox.acknowledge(receipt).unwrap();
        outbox.acknowledge(receipt).unwrap();
        assert_eq!(first(&mut outbox).as_deref(), Some("2"));
    }

    #[test]
    fn another_source_begins_at_its_own_beginning() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        outbox.append(&page(1)).unwrap();
        assert_eq!(outbox.position_of("rss:2"), Position::default());
        acknowledge(&mut outbox);
        let outbox = reopened(&folder);
        assert_eq!(outbox.position_of("rss:2"), Position::default());
        assert_eq!(outbox.position_of(SOURCE), Position::new(&1));
    }

    #[test]
    fn an_emptied_outbox_is_a_short_file() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        for number in 0..100 {
            outbox.append(&page(number)).unwrap();
        }
        while first(&mut outbox).is_some() {
            acknowledge(&mut outbox);
        }
        let length = fs::metadata(folder.path().join("feeds/a.jsonl")).unwrap();
        assert!(length.len() < 100);
        outbox.append(&page(7)).unwrap();
        assert_eq!(first(&mut reopened(&folder)).as_deref(), Some("7"));
    }

    #[test]
    fn a_crash_at_any_byte_leaves_whole_entries_and_their_position() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("feeds/a.jsonl");
        let mut outbox = reopened(&folder);
        outbox.append(&page(1)).unwrap();
        let one = fs::metadata(&path).unwrap().len();
        outbox.append(&page(2)).unwrap();
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let mut outbox = reopened(&folder);
            let entries = usize::from(length as u64 >= one) + usize::from(length == whole.len());
            assert_eq!(outbox.waiting.len(), entries, "at {length}");
            let position = [Position::default(), Position::new(&1), Position::new(&2)];
            assert_eq!(outbox.position_of(SOURCE), position[entries]);
            // What follows is not spoilt by what was cut off.
            outbox.append(&page(9)).unwrap();
            assert_eq!(reopened(&folder).waiting.len(), entries + 1);
        }
    }

    #[test]
    fn what_is_acknowledged_is_cut_off_although_more_waits() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        let mut large = page(0);
        large.errors = vec!["x".repeat(1024 * 1024)];
        for _ in 0..8 {
            outbox.append(&large).unwrap();
        }
        for _ in 0..7 {
            acknowledge(&mut outbox);
        }
        let length = fs::metadata(folder.path().join("feeds/a.jsonl")).unwrap();
        assert!(length.len() < 5 * 1024 * 1024, "{}", length.len());
        assert_eq!(first(&mut outbox).as_deref(), Some("0"));
        assert_eq!(first(&mut reopened(&folder)).as_deref(), Some("0"));
    }

    #[test]
    fn a_line_spoilt_in_the_middle_is_told_and_nothing_is_thrown_away() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("feeds/a.jsonl");
        let mut outbox = reopened(&folder);
        outbox.append(&page(1)).unwrap();
        let mut text = b"{ not ours }\n".to_vec();
        text.extend(fs::read(&path).unwrap());
        fs::write(&path, &text).unwrap();
        let refusal = Outbox::open(&path).unwrap_err();
        assert!(matches!(refusal, OutboxError::Unreadable { line: 1, .. }));
        assert_eq!(fs::read(&path).unwrap(), text);
    }

    #[test]
    fn a_file_that_cannot_be_emptied_is_written_on_and_emptied_later() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        outbox.append(&page(1)).unwrap();
        let in_the_way = folder.path().join("feeds/a.new");
        fs::create_dir(&in_the_way).unwrap();
        let (receipt, _) = outbox.first().unwrap().unwrap();
        outbox.acknowledge(receipt).unwrap_err();
        assert!(outbox.failure().is_some());
        outbox.append(&page(2)).unwrap();
        assert_eq!(first(&mut outbox).as_deref(), Some("2"));
        fs::remove_dir(in_the_way).unwrap();
        acknowledge(&mut outbox);
        assert_eq!(outbox.failure(), None);
        let mut outbox = reopened(&folder);
        assert_eq!(first(&mut outbox), None);
        assert_eq!(outbox.position_of(SOURCE), Position::new(&2));
    }

    #[test]
    fn a_pass_that_found_nothing_writes_nothing() {
        let folder = TempDir::new().unwrap();
        let mut outbox = reopened(&folder);
        let nothing = OutboxEntry {
            position: Some(Position::default()),
            ..OutboxEntry::default()
        };
        outbox.append(&nothing).unwrap();
        assert_eq!(outbox.end, 0);
    }
}
