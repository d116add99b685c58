//! Writing a file out while it is filled.

use std::{
    fs::File,
    io,
    panic::resume_unwind,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Between two times that what has come is written out.
const PAUSE: Duration = Duration::from_millis(200);

/// Has what is written into a file go to its disk meanwhile, so that there is little to wait for at the end. Dropped, it ends
/// by itself.
#[derive(Debug)]
pub(super) struct Writeback {
    /// Dropped, it ends the thread.
    running: Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writeback {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let (running, ended) = channel();
        let write_out = move || loop {
            file.sync_data()?;
            if ended.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
        };
        let thread = thread::Builder::new().name("writeback".to_owned());
        Ok(Self {
            running,
            thread: thread.spawn(write_out)?,
        })
    }

    /// Ends it, and answers what went wrong, for the system tells of a failed write but once.
    pub(super) fn end(self) -> io::Result<()> {
        drop(self.running);
        let outcome = self.thread.join();
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_failed_is_told_at_the_end() {
        let written = Writeback::of(tempfile::tempfile().unwrap()).unwrap();
        written.end().unwrap();
        // A device that cannot be written out.
        let failed = Writeback::of(File::open("/dev/null").unwrap()).unwrap();
        assert_eq!(
            failed.end().unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }
}
