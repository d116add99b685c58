//! How what runs in the background gives way to what serves.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

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

/// After how long a thread gives way. Each time costs it a slice of whoever has the core to itself, 3 ms or so: at this it
/// still gets about the tenth that its priority is worth.
const AT_A_TIME: Duration = Duration::from_micros(500);

thread_local! {
    static SINCE: Cell<Instant> = Cell::new(Instant::now());
}

/// Lets a thread that waits for this core go first, if this one has not done so for half a millisecond; may be called at
/// any step of long work. Linux tells one thread to make room for another that wakes only once it has had its slice,
/// milliseconds, whatever their priorities.
pub(crate) fn give_way() {
    if SINCE.get().elapsed() >= AT_A_TIME {
        thread::yield_now();
        SINCE.set(Instant::now());
    }
}
