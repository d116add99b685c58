//! Progress of long work: bars on a terminal, a line of text every few seconds elsewhere.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::LabError;

const LINE_INTERVAL: Duration = Duration::from_secs(10);
const ROWS: &str = "{msg:28} {wide_bar} {percent:>3} % {per_sec:>16} {eta:>4} left";
const BYTES: &str = "{msg:28} {wide_bar} {percent:>3} % {binary_bytes_per_sec:>16} {eta:>4} left";

/// Destination of progress bars.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: MultiProgress,
    lines: bool,
}

impl Progress {
    /// Returns progress that is shown on standard error.
    pub fn shown() -> Self {
        Self {
            bars: MultiProgress::new(),
            lines: !io::stderr().is_terminal(),
        }
    }

    /// Returns progress that is not shown.
    pub fn hidden() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            lines: false,
        }
    }

    /// Adds a bar that counts `total` rows.
    pub fn rows(&self, label: &str, total: u64) -> Bar {
        Bar::new(self, label.to_owned(), total, Unit::Rows)
    }

    /// Prints the name of a step whose progress is not measured.
    pub fn step(&self, name: &str) {
        if self.lines {
            print_line(name);
        } else {
            // Progress is lost on a closed terminal; the work is not.
            let _ = self.bars.println(name);
        }
    }
}

/// Progress bar of one piece of work.
#[derive(Debug)]
pub struct Bar {
    inner: ProgressBar,
    unit: Unit,
    lines: bool,
    last_line: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Rows,
    Bytes,
}

impl Bar {
    fn new(progress: &Progress, label: String, total: u64, unit: Unit) -> Self {
        let inner = progress.bars.add(ProgressBar::new(total));
        let template = match unit {
            Unit::Rows => ROWS,
            Unit::Bytes => BYTES,
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            inner.set_style(style);
        }
        inner.set_message(label);
        Self {
            inner,
            unit,
            lines: progress.lines,
            last_line: Instant::now(),
        }
    }

    /// Adds a bar that counts the bytes read from a file.
    pub(crate) fn for_file(progress: &Progress, path: &Path) -> Result<Self, LabError> {
        let length = fs::metadata(path)
            .map_err(LabError::file("read", path))?
            .len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self::new(progress, name.into_owned(), length, Unit::Bytes))
    }

    /// Moves the bar forward by `amount`.
    pub fn advance(&mut self, amount: u64) {
        self.set(self.inner.position() + amount);
    }

    /// Moves the bar to `position`.
    pub fn set(&mut self, position: u64) {
        self.inner.set_position(position);
        if self.lines && self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            self.print_line();
        }
    }

    fn print_line(&self) {
        let percent = 100 * self.inner.position() / self.inner.length().unwrap_or_default().max(1);
        let rate = self.inner.position() as f64 / self.inner.elapsed().as_secs_f64().max(1e-3);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an approximate rate for display"
        )]
        let rate = match self.unit {
            Unit::Rows => format!("{rate:.0} rows"),
            Unit::Bytes => HumanBytes(rate as u64).to_string(),
        };
        print_line(&format!(
            "{}: {percent} %, {rate}/s, {} s left",
            self.inner.message(),
            self.inner.eta().as_secs()
        ));
    }
}

/// Prints to standard error and ignores a failure, which must not end the work.
fn print_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.inner.finish();
    }
}

/// Reader that moves a bar by the bytes it reads.
pub(crate) struct ProgressReader<R> {
    reader: R,
    bar: Bar,
}

impl<R> ProgressReader<R> {
    pub(crate) fn new(reader: R, bar: Bar) -> Self {
        Self { reader, bar }
    }
}

impl<R: Read> Read for ProgressReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.bar.advance(length as u64);
        Ok(length)
    }
}
