//! How what runs in the background gives way to what serves.

use std::cell::Cell;
use std::thread;
use std::time::Instant;

/// How much a thread gives way, from 0 to 19: at 10 it gets about a tenth of what a serving thread gets on the same core,
/// and all that is left over.
const NICENESS: i32 = 10;

/// Lowers the priority of this thread, and of the threads and programs that it starts. On Linux a priority is a thread's
/// own; elsewhere it is all of the process', and stays as it is.
pub(crate) fn lower() {
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICENESS)
    {
        tracing::debug!(%error, "a background thread runs at the usual priority");
    }
}

/// The part of the time that giving way has cost for which a thread keeps its core before it does so again: thus it gets
/// about a tenth beside one that never sleeps, as its priority is worth, and not a few microseconds of each of its slices.
const PART_KEPT: u32 = 9;

thread_local! {
    static NEXT: Cell<Instant> = Cell::new(Instant::now());
}

/// Lets a thread that waits for this core go first, as often as is fair; may be called at any step of long work. Linux tells
/// one thread to make room for another that wakes only once it has had its slice, milliseconds, whatever their priorities.
pub(crate) fn give_way() {
    let begun = Instant::now();
    if begun >= NEXT.get() {
        thread::yield_now();
        let end = Instant::now();
        NEXT.set(end + (end - begun) / PART_KEPT);
    }
}
