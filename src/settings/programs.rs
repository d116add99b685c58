use std::time::Duration;

use serde::Deserialize;

use super::check::Check;
use super::text;

/// `[programs.NAME]`: a program that the job `program` may run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramSettings {
    /// How it is run; there is no default.
    pub mode: Option<ProgramMode>,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// How long a run may take before its whole process group is ended.
    #[serde(default = "time_limit", deserialize_with = "text::duration")]
    pub time_limit: Duration,
    /// Runs in all, the first included, before the job is dead.
    #[serde(default = "max_attempts")]
    pub max_attempts: u32,
    /// `false` removes the program.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

/// How a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramMode {
    /// A process for each run.
    Once,
}

fn time_limit() -> Duration {
    Duration::from_mins(10)
}

fn max_attempts() -> u32 {
    3
}

fn enabled() -> bool {
    true
}

impl ProgramSettings {
    pub(super) fn check(&self, check: &mut Check) {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        check.require("mode", self.mode.is_some(), || {
            "missing; expected mode = \"once\"".to_owned()
        });
        check.not_empty("argv", program);
        check.lasting("time_limit", self.time_limit);
        check.within("max_attempts", self.max_attempts, 1..=1_000);
    }
}
