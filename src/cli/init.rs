//! What the first process of a container is expected to do: pass signals on and wait for orphans.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::Context;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// The signals that are passed on.
const PASSED_ON: [Signal; 6] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
];

/// Returns whether this process is the one that inherits orphans, and that the kernel ends no process by default for.
pub(super) fn is_init() -> bool {
    std::process::id() == 1
}

/// Runs this command in a child process, waits for every process that ends, and answers the child's exit code.
///
/// A process of its own, so that no orphan is taken for a child of Weir's, whose exit status somebody waits for.
pub(super) fn run_in_child() -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut ended = signal(SignalKind::child())?;
        let mut signals = Vec::new();
        for number in PASSED_ON {
            signals.push((number, signal(SignalKind::from_raw(number.as_raw()))?));
        }
        let child = spawn().context("failed to start a child process of weir")?;
        for (number, mut received) in signals {
            tokio::spawn(async move {
                while received.recv().await.is_some() {
                    // A child that has ended is waited for below.
                    let _ = kill_process(child, number);
                }
            });
        }
        loop {
            if let Some(status) = wait_for_ended(child) {
                return Ok(exit_code(status));
            }
            ended.recv().await;
        }
    })
}

/// Starts the child in a process group of its own: Ctrl-C in a terminal reaches it once, through this process.
fn spawn() -> io::Result<Pid> {
    let child = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .process_group(0)
        .spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| io::Error::other("no process id"))
}

/// Waits for all processes that have ended by now; answers the status of `child` if it is among them.
fn wait_for_ended(child: Pid) -> Option<WaitStatus> {
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == child {
            return Some(status);
        }
    }
    None
}

/// The exit code, or 128 and the signal, as shells have it.
fn exit_code(status: WaitStatus) -> ExitCode {
    let code = status
        .exit_status()
        .or_else(|| Some(128 + status.terminating_signal()?));
    let code = code.and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
