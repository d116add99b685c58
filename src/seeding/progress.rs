//! How far long work has come: bars on a terminal, a plain line now and then elsewhere.

use std::cell::Cell;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::SeedingError;

const LINE_EVERY: Duration = Duration::from_secs(10);
const COUNT: &str = "{msg:28} {pos} rows {per_sec}";
const BYTES: &str = "{msg:28} {wide_bar} {percent:>3} % {binary_bytes_per_sec:>12} {eta:>4} left";

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
}

impl Progress {
    /// A count that grows to nobody knows where.
    pub fn counter(&self) -> Counter {
        let shown = self.bars.add(ProgressBar::no_length());
        if let Ok(style) = ProgressStyle::with_template(COUNT) {
            shown.set_style(style);
        }
        Counter {
            shown,
            lines: self.lines,
            last_line: Cell::new(Instant::now()),
        }
    }

    /// Says what is done now, where there is no measure of it.
    pub(super) fn say(&self, text: &str) {
        if self.lines {
            eprintln!("{text}");
        } else {
            // A terminal that is gone needs to know nothing.
            let _ = self.bars.println(text);
        }
    }
}

/// How many of something there are so far.
#[derive(Debug)]
pub struct Counter {
    shown: ProgressBar,
    lines: bool,
    last_line: Cell<Instant>,
}

impl Counter {
    /// Shows a new count of rows.
    pub fn show(&self, what: &str, count: u64) {
        self.shown.set_position(count);
        if self.shown.message() != what {
            self.shown.set_message(what.to_owned());
        }
        if self.lines && self.last_line.get().elapsed() >= LINE_EVERY {
            self.last_line.set(Instant::now());
            eprintln!("{what}: {count} rows");
        }
    }

    /// Ends the display.
    pub fn finish(&self) {
        self.shown.finish_and_clear();
    }
}

/// One piece of work, measured in bytes.
pub(super) struct Bar {
    shown: ProgressBar,
    lines: bool,
    last_line: Instant,
}

impl Bar {
    /// The reading of a file.
    pub(super) fn of_file(progress: &Progress, path: &Path) -> Result<Self, SeedingError> {
        let length = fs::metadata(path)
            .map_err(SeedingError::file("read", path))?
            .len();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let bar = progress.bars.add(ProgressBar::new(length));
        if let Ok(style) = ProgressStyle::with_template(BYTES) {
            bar.set_style(style);
        }
        bar.set_message(name);
        Ok(Self {
            shown: bar,
            lines: progress.lines,
            last_line: Instant::now(),
        })
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        self.shown.inc(bytes);
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
        let rate = HumanBytes(rate as u64);
        eprintln!(
            "{}: {percent} %, {rate}/s, {} s left",
            self.shown.message(),
            self.shown.eta().as_secs()
        );
    }
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
