use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{Check, text};

/// `[programs.NAME]`: a program in another language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramSettings {
    /// Mode in which it is run.
    pub mode: ProgramMode,
    /// Python file; this, `module` or `argv`.
    pub python: String,
    /// Python module.
    pub module: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Virtual environment of `python` and `module`; empty for the one beside the file, else the active one, else none.
    pub venv: String,
    /// Folder that it runs in; empty for that of the Python file, else that of Weir.
    pub working_dir: String,
    /// Further variables of Weir's environment that it gets.
    pub env: Vec<String>,
    /// Processes that score.
    pub workers: usize,
    /// Processes that run its jobs and sources.
    pub job_workers: usize,
    /// Further processes that are kept ready to score.
    pub standby: usize,
    /// Devices that its processes get in turn.
    pub devices: Vec<String>,
    /// Longest time from the start of a process until it is ready.
    #[serde(with = "text::duration")]
    pub start_timeout: Duration,
    /// Longest time of a batch; past it the process is killed.
    #[serde(with = "text::duration")]
    pub kill_after: Duration,
    /// Most resident memory of a process and all that it has started, in bytes; 0 for no limit.
    #[serde(deserialize_with = "text::bytes::deserialize")]
    pub max_rss: u64,
    /// Batches after which a process is replaced; 0 for never.
    pub recycle_after: u64,
    /// True if new processes take over when files in its folder have changed.
    pub reload: bool,
    /// True if it may reach the network.
    pub network: bool,
    /// In the mode `once`: how long a run may take before its whole process group is ended.
    #[serde(with = "text::duration")]
    pub time_limit: Duration,
    /// In the mode `once`: runs in all, the first included, before the job is dead.
    pub max_attempts: u32,
    /// `false` removes the program.
    pub enabled: bool,
}

/// Mode in which a program is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramMode {
    /// Processes that stay and speak the program protocol.
    #[default]
    Worker,
    /// A process for each run of a job.
    Once,
}

impl Default for ProgramSettings {
    fn default() -> Self {
        Self {
            mode: ProgramMode::Worker,
            python: String::new(),
            module: String::new(),
            argv: Vec::new(),
            venv: String::new(),
            working_dir: String::new(),
            env: Vec::new(),
            workers: 2,
            job_workers: 1,
            standby: 0,
            devices: Vec::new(),
            start_timeout: Duration::from_mins(2),
            kill_after: Duration::from_secs(30),
            max_rss: 0,
            recycle_after: 0,
            reload: false,
            network: true,
            time_limit: Duration::from_mins(10),
            max_attempts: 3,
            enabled: true,
        }
    }
}

impl ProgramSettings {
    pub(super) fn check(&self, check: &mut Check) {
        if self.mode == ProgramMode::Once {
            return self.check_once(check);
        }
        let named = [
            !self.python.is_empty(),
            !self.module.is_empty(),
            !self.argv.is_empty(),
        ];
        let named = named.into_iter().filter(|&is_named| is_named).count();
        check.require("python", named == 1, || {
            "expected one of python, module and argv".to_owned()
        });
        if let Some(program) = self.argv.first() {
            check.not_empty("argv", program);
            check.require("venv", self.venv.is_empty(), || {
                "only programs with python or module have this".to_owned()
            });
        }
        check.require_each(
            "env",
            &self.env,
            |name| is_variable(name),
            "expected the name of a variable",
        );
        check.require_each(
            "devices",
            &self.devices,
            |name| !name.is_empty(),
            "must not be empty",
        );
        check.within("workers", self.workers, 1..=256);
        check.within("job_workers", self.job_workers, 0..=256);
        check.within("standby", self.standby, 0..=256);
        check.lasting("start_timeout", self.start_timeout);
        check.lasting("kill_after", self.kill_after);
        let default = Self::default();
        let is_default =
            self.time_limit == default.time_limit && self.max_attempts == default.max_attempts;
        check.require("mode", is_default, || {
            "time_limit and max_attempts are of programs with mode = \"once\"".to_owned()
        });
    }

    fn check_once(&self, check: &mut Check) {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        check.not_empty("argv", program);
        check.lasting("time_limit", self.time_limit);
        check.within("max_attempts", self.max_attempts, 1..=1_000);
        let plain = Self {
            mode: self.mode,
            argv: self.argv.clone(),
            time_limit: self.time_limit,
            max_attempts: self.max_attempts,
            enabled: self.enabled,
            ..Self::default()
        };
        check.require("mode", *self == plain, || {
            "programs with mode = \"once\" have argv, time_limit and max_attempts only".to_owned()
        });
    }

    /// Returns the command line of its processes.
    pub fn command(&self) -> Vec<OsString> {
        let python = |target: &[&str]| {
            let words = ["-m", "weir.worker"]
                .iter()
                .chain(target)
                .map(OsString::from);
            [self.interpreter().into_os_string()]
                .into_iter()
                .chain(words)
                .collect()
        };
        if !self.python.is_empty() {
            let file = absolute(&self.python);
            return python(&[&file.to_string_lossy()]);
        }
        if !self.module.is_empty() {
            return python(&["-m", &self.module]);
        }
        self.argv.iter().map(OsString::from).collect()
    }

    /// Returns the folder that its processes run in.
    pub fn folder(&self) -> PathBuf {
        if !self.working_dir.is_empty() {
            return absolute(&self.working_dir);
        }
        let file = absolute(&self.python);
        match file.parent() {
            Some(parent) if !self.python.is_empty() => parent.to_owned(),
            _ => absolute("."),
        }
    }

    /// Returns the Python that runs it.
    pub fn interpreter(&self) -> PathBuf {
        let in_venv = |venv: &Path| venv.join("bin/python");
        if !self.venv.is_empty() {
            return in_venv(&absolute(&self.venv));
        }
        let active = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        let venvs = [Some(self.folder().join(".venv")), active];
        let found = venvs.into_iter().flatten().map(|venv| in_venv(&venv));
        found
            .into_iter()
            .find(|python| python.exists())
            .unwrap_or_else(|| "python3".into())
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn absolute(path: impl AsRef<Path>) -> PathBuf {
    std::path::absolute(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_file_runs_in_its_folder_with_the_environment_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.py");
        let settings = ProgramSettings {
            python: file.display().to_string(),
            ..ProgramSettings::default()
        };
        assert_eq!(settings.folder(), folder.path());
        std::fs::create_dir_all(folder.path().join(".venv/bin")).unwrap();
        let python = folder.path().join(".venv/bin/python");
        std::fs::write(&python, "").unwrap();
        let expected = [
            python.as_os_str(),
            "-m".as_ref(),
            "weir.worker".as_ref(),
            file.as_os_str(),
        ];
        assert_eq!(settings.command(), expected);
    }

    #[test]
    fn a_command_line_is_taken_as_it_is() {
        let settings = ProgramSettings {
            argv: vec!["./mine".to_owned(), "-v".to_owned()],
            working_dir: "/srv".to_owned(),
            ..ProgramSettings::default()
        };
        assert_eq!(settings.command(), ["./mine", "-v"]);
        assert_eq!(settings.folder(), Path::new("/srv"));
    }
}
