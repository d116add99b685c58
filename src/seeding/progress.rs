//! How far long work has come: bars on a terminal, a plain line now and then elsewhere.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::SeedingError;

const LINE_EVERY: Duration = Duration::from_secs(10);
const ROWS: &str = "{msg:28} {wide_bar} {percent:>3} % {per_sec:>16} {eta:>4} left";
const BYTES: &str = "{msg:28} {wide_bar} {percent:>3} % {binary_bytes_per_sec:>16} {eta:>4} left";

/// Where bars are shown.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: MultiProgress,
    lines: bool,
}

impl Progress {
    /// On standard error.
    pub fn shown() -> Self {
        Self {
            bars: MultiProgress::new(),
            lines: !io::stderr().is_terminal(),
        }
    }

    /// Nowhere.
    pub fn hidden() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            lines: false,
        }
    }

    /// A bar of work on `total` rows.
    pub fn rows(&self, what: &str, total: u64) -> Bar {
        Bar::new(self, what.to_owned(), total, Unit::Rows)
    }

    /// Says what is done now, where there is no measure of it.
    pub(super) fn say(&self, text: &str) {
        if self.lines {
            print_line(text);
        } else {
            // A terminal that is gone needs to know nothing.
            let _ = self.bars.println(text);
        }
    }
}

/// One piece of work with a measure.
#[derive(Debug)]
pub struct Bar {
    shown: ProgressBar,
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
    fn new(progress: &Progress, what: String, total: u64, unit: Unit) -> Self {
        let shown = progress.bars.add(ProgressBar::new(total));
        let template = match unit {
            Unit::Rows => ROWS,
            Unit::Bytes => BYTES,
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            shown.set_style(style);
        }
        shown.set_message(what);
        Self {
            shown,
            unit,
            lines: progress.lines,
            last_line: Instant::now(),
        }
    }

    /// The reading of a file.
    pub(super) fn of_file(progress: &Progress, path: &Path) -> Result<Self, SeedingError> {
        let length = fs::metadata(path)
            .map_err(SeedingError::file("read", path))?
            .len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self::new(progress, name.into_owned(), length, Unit::Bytes))
    }

    /// So much more is done.
    pub fn advance(&mut self, amount: u64) {
        self.reach(self.shown.position() + amount);
    }

    /// So much is done by now.
    pub fn reach(&mut self, position: u64) {
        self.shown.set_position(position);
        if self.lines && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.print_line();
        }
    }

    fn print_line(&self) {
        let percent = 100 * self.shown.position() / self.shown.length().unwrap_or_default().max(1);
        let rate = self.shown.position() as f64 / self.shown.elapsed().as_secs_f64().max(1e-3);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate to look at"
        )]
        let rate = match self.unit {
            Unit::Rows => format!("{rate:.0} rows"),
            Unit::Bytes => HumanBytes(rate as u64).to_string(),
        };
        print_line(&format!(
            "{}: {percent} %, {rate}/s, {} s left",
            self.shown.message(),
            self.shown.eta().as_secs()
        ));
    }
}

/// Prints to standard error. The work goes on where that cannot be written.
fn print_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.shown.finish();
    }
}

/// A reader that moves a bar.
pub(super) struct Counted<R> {
    reader: R,
    bar: Bar,
}

impl<R> Counted<R> {
    pub(super) fn new(reader: R, bar: Bar) -> Self {
        Self { reader, bar }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.bar.advance(length as u64);
        Ok(length)
    }
}
