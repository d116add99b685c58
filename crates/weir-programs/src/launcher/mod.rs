//! Code that runs in processes of its own: the launcher, which becomes a program, and the guard, which outlives its parent for a moment.

mod guard;
mod launch;

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use guard::Guard;
pub use guard::guard;
pub use launch::launch;

/// Name of the subcommand that runs [`launch`].
pub const LAUNCH: &str = "launch-program";
/// Name of the subcommand that runs [`guard`].
pub const GUARD: &str = "guard-programs";

/// Command that executes the running binary again, with [`LAUNCH`] or [`GUARD`] as its first argument.
#[derive(Clone, Debug)]
pub struct LauncherCommand {
    /// Path of the binary.
    pub binary: PathBuf,
}

impl LauncherCommand {
    /// Returns the running binary. On Linux that works also after its file has been replaced.
    pub fn this_binary() -> Self {
        let running = PathBuf::from("/proc/self/exe");
        let binary = if running.exists() {
            running
        } else {
            std::env::current_exe().unwrap_or(running)
        };
        Self { binary }
    }

    /// Returns the arguments of the launcher for the program `argv`, to be started by this process.
    pub(crate) fn arguments(network: bool, argv: &[OsString]) -> Vec<OsString> {
        let network = if network {
            launch::NETWORK
        } else {
            launch::NO_NETWORK
        };
        let own = [
            LAUNCH.into(),
            std::process::id().to_string().into(),
            network.into(),
        ];
        own.into_iter().chain(argv.iter().cloned()).collect()
    }
}
