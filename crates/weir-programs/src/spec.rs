use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use weir_supervision::SupervisionPolicy;

/// Command, environment and limits of the processes of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramSpec {
    /// Name of the program.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<OsString>,
    /// Folder that it runs in.
    pub working_dir: PathBuf,
    /// The whole environment of its processes, but for the variables of the device.
    pub environment: BTreeMap<OsString, OsString>,
    /// Task of its processes.
    pub role: Role,
    /// Scorers that must be loaded, by name.
    pub scorers: BTreeMap<String, ExpectedScorer>,
    /// Processes that serve.
    pub workers: usize,
    /// Further processes that are kept warm.
    pub standby: usize,
    /// Devices, of which each process gets one in turn.
    pub devices: Vec<String>,
    /// Longest time from the start of a process to its response to `initialize`.
    pub start_timeout: Duration,
    /// Longest time of a call, if there is a limit; past it the process is killed.
    pub kill_after: Option<Duration>,
    /// Most resident memory of a process group in bytes; 0 for no limit.
    pub max_rss: u64,
    /// Calls after which a process is replaced; 0 for never.
    pub recycle_after: u64,
    /// True if it may reach the network.
    pub network: bool,
    /// Folder that is watched: a pool of new processes takes over once files in it have changed.
    pub watched_folder: Option<PathBuf>,
    /// Back-off and restart budget of processes that end before an answer.
    pub restarts: SupervisionPolicy,
}

/// Requirements on a program's announcement of a scorer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedScorer {
    /// Its outputs, in any order.
    pub outputs: Vec<String>,
    /// Fields that it may read, `*` at the end for any name.
    pub readable: Vec<String>,
}

impl ExpectedScorer {
    /// Returns whether the scorer may read `field`.
    pub(crate) fn may_read(&self, field: &str) -> bool {
        self.readable
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => field.len() > prefix.len() && field.starts_with(prefix),
                None => pattern == field,
            })
    }
}

/// Task of the processes of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// To score.
    Scorer,
    /// To run jobs and to read sources.
    Job,
}

impl ProgramSpec {
    /// Returns the device of the process with this index.
    pub(crate) fn device(&self, index: usize) -> Option<&str> {
        let count = self.devices.len().max(1);
        self.devices.get(index % count).map(String::as_str)
    }
}
