use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{GUARD, LauncherCommand};

/// Reads the process groups of programs on stdin, `+ID` for one that begins and `-ID` for one that has ended, and kills those that are
/// left at its end: the parent is gone. What a program has started does not get its parent-death signal.
pub fn guard() -> ExitCode {
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let Ok(change) = line.parse::<i32>() else {
            continue;
        };
        if change > 0 {
            groups.insert(change);
        } else {
            groups.remove(&-change);
        }
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    ExitCode::SUCCESS
}

/// The guard as its parent sees it. It is started again if it ends.
#[derive(Debug)]
pub(crate) struct Guard {
    launcher: LauncherCommand,
    groups: BTreeSet<i32>,
    process: Option<Child>,
}

impl Guard {
    pub(crate) fn new(launcher: LauncherCommand) -> Self {
        Self {
            launcher,
            groups: BTreeSet::new(),
            process: None,
        }
    }

    pub(crate) fn add(&mut self, group: i32) {
        self.groups.insert(group);
        self.tell(group);
    }

    pub(crate) fn remove(&mut self, group: i32) {
        self.groups.remove(&group);
        self.tell(-group);
    }

    fn tell(&mut self, change: i32) {
        if self.write(&format!("{change:+}\n")).is_ok() {
            return;
        }
        if let Some(mut ended) = self.process.take() {
            let _ = ended.kill();
            let _ = ended.wait();
        }
        let groups = self.groups.iter().map(|group| format!("+{group}"));
        let all = groups.collect::<Vec<_>>().join("\n") + "\n";
        if let Err(error) = self.start().and_then(|()| self.write(&all)) {
            tracing::warn!(%error, "failed to start the guard of programs: what they start may outlive a kill -9");
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let stdin = self
            .process
            .as_mut()
            .and_then(|process| process.stdin.as_mut());
        let stdin = stdin.ok_or(io::ErrorKind::NotConnected)?;
        stdin.write_all(text.as_bytes())
    }

    fn start(&mut self) -> io::Result<()> {
        let process = Command::new(&self.launcher.binary)
            .arg(GUARD)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal is not for the guard.
            .process_group(0)
            .spawn()?;
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}
