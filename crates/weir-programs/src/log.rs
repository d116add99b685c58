use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use chrono::{SecondsFormat, Utc};

/// Size at which a log is rotated, in bytes. The one before is kept, so that a program has at most twice as much.
const ROTATE_BYTES: u64 = 8 << 20;
/// Longest line in bytes; the rest of a longer one is cut off.
pub(crate) const MAX_LOG_LINE: usize = 8 << 10;
/// Lines that wait to be written. While there are more they are dropped and counted.
const QUEUE: usize = 1_024;

/// Log of one program: its stderr and its `log` notifications, which may hold text of posts. Only the owner may read it.
///
/// A thread of its own writes, so that a slow disk delays no call. Clones share it.
#[derive(Clone, Debug)]
pub struct ProgramLog {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
}

impl ProgramLog {
    /// Opens `NAME.log` in `folder`, which is created if need be.
    pub fn open(folder: &Path, name: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut file = LogFile::open(folder.join(format!("{name}.log")))?;
        let (lines, queue) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::Builder::new()
            .name("program-log".to_owned())
            .spawn(move || file.write_lines(&queue, &counter))?;
        Ok(Self { lines, dropped })
    }

    /// Appends a line of the process `pid`, with control characters replaced. Never waits.
    pub(crate) fn write(&self, pid: u32, level: &str, text: &str) {
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let end = text.floor_char_boundary(MAX_LOG_LINE.min(text.len()));
        let text = text[..end].replace(|sign: char| sign.is_control() && sign != '\t', " ");
        if self
            .lines
            .try_send(format!("{time} [{pid}] {level}: {text}\n"))
            .is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create(true).mode(0o600).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes })
    }

    /// Writes until there is nobody left to send lines.
    fn write_lines(&mut self, lines: &Receiver<String>, dropped: &AtomicU64) {
        let mut failed = false;
        for line in lines {
            let lost = dropped.swap(0, Ordering::Relaxed);
            let written = self.append(&line).and_then(|()| match lost {
                0 => Ok(()),
                lost => self.append(&format!("{lost} lines were dropped\n")),
            });
            if let Err(error) = &written
                && !failed
            {
                let file = self.path.display().to_string();
                tracing::warn!(file, %error, "failed to write to the log of a program");
            }
            failed = written.is_err();
        }
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        if self.bytes >= ROTATE_BYTES {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(self.path.clone())?;
        }
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use super::*;

    fn wait_for(what: impl Fn() -> bool) {
        let begun = Instant::now();
        while !what() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "nothing happened"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn lines_are_one_each_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let log = ProgramLog::open(&folder.path().join("programs"), "mine").unwrap();
        log.write(7, "stderr", "a\u{1b}[0m\nb");
        let file = folder.path().join("programs/mine.log");
        wait_for(|| {
            fs::read_to_string(&file).is_ok_and(|text| text.ends_with("[7] stderr: a [0m b\n"))
        });
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_full_log_is_rotated_and_the_one_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.log");
        let mut file = LogFile::open(path.clone()).unwrap();
        let line = "x".repeat(1 << 20);
        (0..20).for_each(|_| file.append(&line).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().len(), 4 << 20);
        assert_eq!(
            fs::metadata(path.with_extension("log.1")).unwrap().len(),
            8 << 20
        );
    }
}
