use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait to be written.
const MAX_LINES: usize = 4_096;
/// Bytes that may wait to be written.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Time between attempts to write again after lines were dropped, and between looks at a stderr that is not ready.
const RETRY: Duration = Duration::from_secs(1);
const NOT_READY: Duration = Duration::from_millis(10);
/// Time after which dropped lines are reported although more lines wait.
const REPORT_PERIOD: Duration = Duration::from_mins(1);

thread_local! {
    static IS_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// Bounded queue of log lines in front of a thread that writes them to stderr.
///
/// A caller neither waits for stderr nor learns of its errors: stderr may be a full disk, a closed terminal or a pipe
/// that nobody reads. Lines that find the queue full, or that cannot be written, are counted. The count is logged once
/// stderr can be written again.
#[derive(Clone)]
pub(super) struct LogQueue {
    entries: Sender<Entry>,
    state: Arc<State>,
}

enum Entry {
    Line(Vec<u8>),
    /// Answered once everything before it was dealt with.
    Flush(Sender<()>),
}

#[derive(Default)]
struct State {
    queued_bytes: AtomicUsize,
    dropped: AtomicU64,
    /// Dropped lines that the log has not told of yet.
    unreported: AtomicU64,
    /// True if a flush ran out of time, and nothing was written since.
    stalled: AtomicBool,
    /// The writer's own line, which must not go through the queue.
    own_line: Mutex<Vec<u8>>,
}

impl LogQueue {
    /// Starts the thread that writes to stderr. It holds a descriptor of its own, because one that waits in a write would
    /// hold the lock of [`io::stderr`].
    pub(super) fn start() -> io::Result<Self> {
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        let (entries, receiver) = bounded(MAX_LINES);
        let state = Arc::<State>::default();
        let writer = Writer {
            output: File::from(stderr),
            state: Arc::clone(&state),
            mid_line: false,
            reported: Instant::now(),
        };
        thread::Builder::new()
            .name("weir-log".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok(Self { entries, state })
    }

    /// Enqueues one line or several, which are written or dropped together.
    pub(super) fn send(&self, line: &[u8]) {
        let state = &self.state;
        let queued = state.queued_bytes.fetch_add(line.len(), Ordering::Relaxed);
        let fits = queued.saturating_add(line.len()) <= MAX_BYTES;
        if !fits || self.entries.try_send(Entry::Line(line.to_vec())).is_err() {
            state.queued_bytes.fetch_sub(line.len(), Ordering::Relaxed);
            state.drop_line();
        }
    }

    /// Waits until everything that was sent is written or dropped, for `limit` at most.
    pub(super) fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let (done, flushed) = bounded(1);
        let sent = self.entries.send_deadline(Entry::Flush(done), deadline);
        if sent.is_err() || flushed.recv_deadline(deadline).is_err() {
            self.state.stalled.store(true, Ordering::Relaxed);
        }
    }

    /// Does the same as [`LogQueue::flush`], but does not wait for a stderr that is known to be stuck.
    pub(super) fn flush_unless_stalled(&self, limit: Duration) {
        if !self.state.stalled.load(Ordering::Relaxed) {
            self.flush(limit);
        }
    }

    /// Number of lines that were not written.
    pub(super) fn dropped(&self) -> u64 {
        self.state.dropped.load(Ordering::Relaxed)
    }

    /// Returns whether lines were dropped since stderr could last be written.
    pub(super) fn is_failing(&self) -> bool {
        self.state.unreported.load(Ordering::Relaxed) > 0
    }
}

impl State {
    fn drop_line(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.unreported.fetch_add(1, Ordering::Relaxed);
    }

    fn own_line(&self) -> MutexGuard<'_, Vec<u8>> {
        self.own_line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for LogQueue {
    /// Takes a whole line, as tracing-subscriber writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if IS_WRITER.get() {
            self.state.own_line().extend_from_slice(line);
        } else {
            self.send(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogQueue {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

struct Writer<W> {
    output: W,
    state: Arc<State>,
    /// True if the last write ended within a line.
    mid_line: bool,
    reported: Instant,
}

impl<W: Write> Writer<W> {
    fn run(mut self, entries: &Receiver<Entry>) {
        IS_WRITER.set(true);
        loop {
            match entries.recv_timeout(RETRY) {
                Ok(Entry::Line(line)) => {
                    self.state
                        .queued_bytes
                        .fetch_sub(line.len(), Ordering::Relaxed);
                    if self.write(&line).is_err() {
                        self.state.drop_line();
                    } else if entries.is_empty() || self.reported.elapsed() >= REPORT_PERIOD {
                        self.report_dropped();
                    }
                }
                Ok(Entry::Flush(done)) => drop(done.send(())),
                Err(RecvTimeoutError::Timeout) => self.report_dropped(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Logs how many lines were dropped since it was last logged, if that can be written.
    fn report_dropped(&mut self) {
        let lines = self.state.unreported.load(Ordering::Relaxed);
        if lines == 0 {
            return;
        }
        tracing::warn!(
            lines,
            "log lines were dropped because the log could not be written"
        );
        let own_line = std::mem::take(&mut *self.state.own_line());
        if self.write(&own_line).is_ok() {
            self.state.unreported.fetch_sub(lines, Ordering::Relaxed);
            self.reported = Instant::now();
        }
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.mid_line {
            self.write_all(b"\n")?;
        }
        self.write_all(line)?;
        self.state.stalled.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn write_all(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.mid_line = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Another process may have made the shared pipe or terminal non-blocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(NOT_READY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
