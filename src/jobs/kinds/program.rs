use std::{
    collections::BTreeMap,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::{sleep, timeout},
};

use crate::jobs::{ArgumentError, JobContext, JobError, Limits, RetryPolicy};
use crate::settings::ProgramSettings;

/// What a program may do after SIGTERM before it is ended by SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
/// How long what a program leaves running may go on writing.
const OUTLIVES: Duration = Duration::from_secs(1);
/// The longest part of a line on stderr that is logged.
const LONGEST_LINE: u64 = 2_000;

/// The programs that the job `program` may run, and what they find in their environment. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    by_name: Arc<ArcSwap<ByName>>,
    environment: Arc<Vec<(&'static str, String)>>,
    max_result_bytes: usize,
}

type ByName = BTreeMap<String, Arc<ProgramSettings>>;

/// The arguments of the job `program`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The program, by its name under `[programs]`.
    #[serde(alias = "command")]
    program: String,
    /// What it reads as JSON on stdin.
    #[serde(default)]
    args: Value,
}

/// A program about to run.
pub(in crate::jobs) struct ProgramRun {
    name: String,
    program: Arc<ProgramSettings>,
    environment: Arc<Vec<(&'static str, String)>>,
    args: Value,
    max_result_bytes: usize,
}

/// Why a program gave no result.
#[derive(Debug, thiserror::Error)]
enum ProgramError {
    #[error("the program {0:?} cannot be run: {1}")]
    Spawn(String, std::io::Error),
    #[error("the program cannot be spoken to: {0}")]
    Io(#[from] std::io::Error),
    #[error("the program ended with {status}: {last_line}")]
    Failed {
        status: ExitStatus,
        last_line: String,
    },
    #[error("the program's result is longer than jobs.max_result_bytes = {0}")]
    TooLong(usize),
    #[error("the program's result is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl From<ProgramError> for JobError {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::Io(_) | ProgramError::Failed { .. } => Self::Transient(Box::new(error)),
            _ => Self::Permanent(Box::new(error)),
        }
    }
}

impl Programs {
    /// The job's name.
    pub(in crate::jobs) const NAME: &'static str = "program";
    /// The name of the job, and of its argument, in the version before.
    pub(in crate::jobs) const OLD_NAME: &'static str = "command";

    /// `programs` by name; `environment` is what each finds besides Weir's own environment.
    pub fn new(
        programs: &BTreeMap<String, ProgramSettings>,
        environment: Vec<(&'static str, String)>,
        max_result_bytes: usize,
    ) -> Self {
        let all = Self {
            by_name: Arc::default(),
            environment: Arc::new(environment),
            max_result_bytes,
        };
        all.replace(programs);
        all
    }

    /// Runs these programs from now on.
    pub fn replace(&self, programs: &BTreeMap<String, ProgramSettings>) {
        let shared = |(name, program): (&String, &ProgramSettings)| {
            (name.clone(), Arc::new(program.clone()))
        };
        let programs: ByName = programs.iter().map(shared).collect();
        self.by_name.store(Arc::new(programs));
    }

    pub(in crate::jobs) fn prepare(&self, arguments: &Value) -> Result<ProgramRun, ArgumentError> {
        if arguments.get(Self::OLD_NAME).is_some() {
            tracing::warn!("the job `command` and its argument are now called `program`");
        }
        let Arguments {
            program: name,
            args,
        } = crate::jobs::arguments::read(arguments)?;
        let programs = self.by_name.load();
        let Some(program) = programs.get(&name) else {
            let known: Vec<_> = programs.keys().map(String::as_str).collect();
            let why = format!(
                "there is no program {name:?}; the programs are {}",
                known.join(", ")
            );
            return Err(ArgumentError::new("program", why));
        };
        Ok(ProgramRun {
            name,
            program: Arc::clone(program),
            environment: Arc::clone(&self.environment),
            args,
            max_result_bytes: self.max_result_bytes,
        })
    }
}

impl ProgramRun {
    pub(in crate::jobs) fn limits(&self) -> Limits {
        Limits {
            soft: self.program.time_limit,
            hard: self.program.time_limit + GRACE + Duration::from_secs(1),
        }
    }

    pub(in crate::jobs) fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            max_attempts: self.program.max_attempts,
            ..RetryPolicy::DEFAULT
        }
    }

    /// Runs the program to its end and reads its result. However this ends, nothing of its process group is left.
    pub(in crate::jobs) async fn run(&self, context: &JobContext) -> Result<Value, JobError> {
        let mut child = self.spawn(context)?;
        let group = ProcessGroup::new(&child);
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let talk = async {
            let pipes = async {
                tokio::try_join!(
                    self.hand_over_arguments(stdin),
                    read_all(stdout, self.max_result_bytes),
                    log_lines(stderr, &self.name, context),
                )
            };
            tokio::pin!(pipes);
            let ((), result, last_line) = tokio::select! {
                said = &mut pipes => said?,
                () = end_what_outlives(&mut child, &group) => pipes.await?,
            };
            Ok::<_, ProgramError>((result, last_line, child.wait().await?))
        };
        tokio::pin!(talk);
        let ended = tokio::select! {
            ended = &mut talk => ended,
            () = context.cancellation().cancelled() => {
                group.signal(Signal::TERM);
                if timeout(GRACE, talk).await.is_err() {
                    tracing::warn!(program = self.name, job = %context.job(), "program did not heed SIGTERM, it is killed");
                }
                return Err(JobError::Cancelled);
            }
        };
        let (result, last_line, status) = ended?;
        if !status.success() {
            return Err(ProgramError::Failed { status, last_line }.into());
        }
        if result.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&result).map_err(ProgramError::NotJson)?)
    }

    fn spawn(&self, context: &JobContext) -> Result<Child, ProgramError> {
        let [program, arguments @ ..] = self.program.argv.as_slice() else {
            let empty = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(ProgramError::Spawn(String::new(), empty));
        };
        Command::new(program)
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("WEIR_JOB_ID", context.job().to_string())
            .env("WEIR_FENCING_TOKEN", context.token().0.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| ProgramError::Spawn(program.clone(), error))
    }

    /// A program that does not read its arguments is not at fault.
    async fn hand_over_arguments(&self, stdin: Option<ChildStdin>) -> Result<(), ProgramError> {
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(self.args.to_string().as_bytes()).await;
        }
        Ok(())
    }
}

/// What a program leaves running may keep its pipes open for ever: it is ended a while after the program.
async fn end_what_outlives(child: &mut Child, group: &ProcessGroup) {
    if child.wait().await.is_err() {
        std::future::pending::<()>().await;
    }
    sleep(OUTLIVES).await;
    group.signal(Signal::KILL);
}

async fn read_all(
    stdout: Option<impl AsyncRead + Unpin>,
    max_bytes: usize,
) -> Result<Vec<u8>, ProgramError> {
    let mut result = Vec::new();
    if let Some(stdout) = stdout {
        let mut limited = stdout.take(max_bytes as u64 + 1);
        limited.read_to_end(&mut result).await?;
    }
    if result.len() > max_bytes {
        return Err(ProgramError::TooLong(max_bytes));
    }
    Ok(result)
}

/// Logs each line, and answers the last for the error.
async fn log_lines(
    stderr: Option<impl AsyncRead + Unpin>,
    program: &str,
    context: &JobContext,
) -> Result<String, ProgramError> {
    let mut last_line = String::new();
    let Some(stderr) = stderr else {
        return Ok(last_line);
    };
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut reader).take(LONGEST_LINE);
        if !limited
            .read_until(b'\n', &mut line)
            .await
            .is_ok_and(|bytes| bytes > 0)
        {
            return Ok(last_line);
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        if !text.is_empty() {
            tracing::info!(program, job = %context.job(), line = text.as_str(), "program says");
            last_line = text;
        }
    }
}

/// The group of a program and all that it has started. Ended when dropped.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn new(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        Self(leader.and_then(Pid::from_raw))
    }

    /// A group that has ended is signalled in vain, which is as well.
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
