use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Signal, getgid, getppid, getuid, set_parent_process_death_signal};
use serde_json::json;

use crate::protocol::code;

pub(super) const NETWORK: &str = "network";
pub(super) const NO_NETWORK: &str = "no-network";
/// Adjustment of the score by which the kernel chooses a process to end when memory runs out: programs before the server.
const OOM_SCORE: &str = "500";

/// Becomes the program of `arguments` (the process id of the parent, `network` or `no-network`, and the program's `argv`), which ends
/// with its parent. Returns only if that fails, after it has said so to the parent in the program's stead.
///
/// It must be called before any thread is started, and not by a shell in between.
pub fn launch(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let [parent, network, program, rest @ ..] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let failed = match prepare(parent, network) {
        Ok(true) => {
            let error = Command::new(program).args(rest).exec();
            (describe(&error, program), 127)
        }
        // Nobody is there any more to read why.
        Ok(false) => return ExitCode::from(125),
        Err(error) => (error.to_string(), 126),
    };
    report(&failed.0);
    ExitCode::from(failed.1)
}

/// Returns whether the parent still lives.
fn prepare(parent: &OsStr, network: &OsStr) -> Result<bool, LaunchError> {
    if network == NO_NETWORK {
        // First, since a change of user namespace clears the signal.
        leave_network().map_err(LaunchError::Network)?;
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(LaunchError::DeathSignal)?;
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    // A parent that died before the signal was set sends none.
    let alive = getppid().map(|id| id.as_raw_nonzero().get().to_string());
    Ok(alive.as_deref().map(OsStr::new) == Some(parent))
}

/// Reason why a program could not be started.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("network = false: the system refuses a process without network: {0}")]
    Network(io::Error),
    #[error("the system refuses a parent-death signal: {0}")]
    DeathSignal(rustix::io::Errno),
}

#[cfg(target_os = "linux")]
fn leave_network() -> io::Result<()> {
    use rustix::thread::UnshareFlags;

    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    #[expect(
        deprecated,
        reason = "unsafe only for CLONE_FILES, which this does not ask for"
    )]
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)?;
    // Without a map the user would be `nobody`.
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

#[cfg(not(target_os = "linux"))]
fn leave_network() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn describe(error: &io::Error, program: &OsStr) -> String {
    let program = program.to_string_lossy();
    match error.kind() {
        io::ErrorKind::NotFound => format!("{program} was not found"),
        io::ErrorKind::PermissionDenied => format!("{program} is not executable: {error}"),
        _ => format!("{program} cannot be executed: {error}"),
    }
}

/// Answers `initialize`, the first request, which is in the pipe or on its way there.
fn report(message: &str) {
    let error = json!({"code": code::LOADING, "message": message});
    let response = json!({"jsonrpc": "2.0", "id": 1, "error": error});
    let _ = writeln!(io::stdout(), "{response}");
}
