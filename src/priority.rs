//! How what runs in the background gives way to what serves.

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

/// Lets a thread that waits for this core go first; to be called every 100 us or so. Linux tells one thread to make room for
/// another that wakes only once it has had its slice, milliseconds, whatever their priorities.
pub(crate) fn give_way() {
    std::thread::yield_now();
}
