use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::exit::{Exit, ProtocolError, StartError};
use super::notices::NoticeCounter;
use crate::host::{Groups, ProcessGroup};
use crate::launcher::LauncherCommand;
use crate::log::{MAX_LOG_LINE, ProgramLog};
use crate::protocol::{
    Announcement, Incoming, Initialize, LineReader, PROTOCOL, ReadError, RpcError, request,
};
use crate::spec::ProgramSpec;

/// Time that a process has for its end after its stdin was closed.
const END_GRACE: Duration = Duration::from_secs(5);
/// Time for what a process wrote before it ended to be read.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(200);
/// Id of the request `initialize`.
const INITIALIZE: u64 = 1;

/// A process that is ready. Dropping it kills its group.
#[derive(Debug)]
pub(crate) struct Process {
    pub(super) child: Child,
    pub(super) group: ProcessGroup,
    pub(super) stdin: ChildStdin,
    pub(super) lines: LineReader<ChildStdout>,
    pub(super) notices: NoticeCounter,
    pub(super) log: ProgramLog,
    pub(crate) announcement: Arc<Announcement>,
    stderr: Stderr,
}

/// Reader of a stderr, which ends when it is dropped.
#[derive(Debug)]
struct Stderr {
    reader: JoinSet<()>,
    last_line: Arc<Mutex<Option<String>>>,
}

impl Process {
    /// Starts the process with this index and waits until it is ready.
    pub(crate) async fn start(
        spec: &ProgramSpec,
        index: usize,
        groups: &Groups,
        log: &ProgramLog,
    ) -> Result<Self, StartError> {
        let ready = timeout(spec.start_timeout, async {
            let mut starting = Self::spawn(spec, index, groups, log)?;
            match starting.initialize(spec, index).await {
                Ok(announcement) => {
                    starting.announcement = Arc::new(announcement);
                    Ok(starting)
                }
                Err(Failure::Start(error)) => Err(error),
                Err(Failure::Exit(exit)) => Err(starting.explain(exit).await),
            }
        });
        let timed_out = StartError::TimedOut(spec.start_timeout);
        ready.await.unwrap_or(Err(timed_out))
    }

    fn spawn(
        spec: &ProgramSpec,
        index: usize,
        groups: &Groups,
        log: &ProgramLog,
    ) -> Result<Self, StartError> {
        if !spec.working_dir.is_dir() {
            return Err(StartError::NoFolder(spec.working_dir.display().to_string()));
        }
        let mut command = Command::new(groups.launcher().binary);
        command
            .args(LauncherCommand::arguments(spec.network, &spec.argv))
            .current_dir(&spec.working_dir)
            .env_clear()
            .envs(&spec.environment);
        if let Some(device) = spec.device(index) {
            let number = device.rsplit(':').next().unwrap_or(device);
            command.env("WEIR_DEVICE", device);
            command.env("CUDA_VISIBLE_DEVICES", number);
        }
        let pipes = || Stdio::piped();
        let mut child = command
            .stdin(pipes())
            .stdout(pipes())
            .stderr(pipes())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| StartError::Spawn(error.to_string()))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let taken = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(id), (Some(stdin), Some(stdout), Some(stderr))) =
            (id.and_then(Pid::from_raw), taken)
        else {
            return Err(StartError::Spawn("it has no id or no pipes".to_owned()));
        };
        let group = groups.add(id);
        Ok(Self {
            stderr: Stderr::read(stderr, group.id(), log.clone()),
            child,
            group,
            stdin,
            lines: LineReader::new(stdout),
            notices: NoticeCounter::new(),
            log: log.clone(),
            announcement: Arc::default(),
        })
    }

    async fn initialize(
        &mut self,
        spec: &ProgramSpec,
        index: usize,
    ) -> Result<Announcement, Failure> {
        let functions = spec.scorers.keys().map(String::as_str).collect();
        let params = Initialize {
            protocol: PROTOCOL,
            role: spec.role,
            functions,
            device: spec.device(index),
        };
        let params = serde_json::to_string(&params).unwrap_or_default();
        let line = request(INITIALIZE, "initialize", &params).unwrap_or_default();
        // A process that does not read is told apart below.
        let _ = self.stdin.write_all(&line).await;
        let (pid, lines, notices, log) = (self.id(), &mut self.lines, &mut self.notices, &self.log);
        let mut first = pin!(first_response(lines, notices, log, pid));
        let response = tokio::select! {
            biased;
            response = &mut first => response?,
            // The launcher, or a program that ends at once, may have said why.
            status = self.child.wait() => {
                self.group.signal(Signal::KILL);
                match timeout(LAST_WORDS, first).await {
                    Ok(Ok(response)) => response,
                    _ => return Err(status.map_or(Exit::StdoutClosed, Exit::Ended).into()),
                }
            }
        };
        let result = response.map_err(|error| StartError::Refused(Box::new(error)))?;
        let announcement = Announcement::read(result.get(), &spec.scorers);
        Ok(announcement.map_err(StartError::Announcement)?)
    }

    /// Describes an end before the process was ready.
    async fn explain(mut self, mut exit: Exit) -> StartError {
        if exit == Exit::StdoutClosed
            && let Ok(Ok(status)) = timeout(LAST_WORDS, self.child.wait()).await
        {
            exit = Exit::Ended(status);
        }
        self.group.signal(Signal::KILL);
        let last_line = self.stderr.last_line().await;
        StartError::Ended { exit, last_line }
    }

    /// Closes stdin and waits for the end; what is left after a while is killed.
    pub(crate) async fn end(mut self) {
        drop(self.stdin);
        let _ = timeout(END_GRACE, self.child.wait()).await;
    }

    /// Kills the process group and waits until its leader is gone.
    pub(crate) async fn kill(mut self) {
        self.group.signal(Signal::KILL);
        let _ = timeout(LAST_WORDS, self.child.wait()).await;
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.group.id()
    }

    /// Returns the memory of the process group.
    pub(crate) fn memory(&self) -> &Arc<std::sync::atomic::AtomicU64> {
        self.group.memory()
    }
}

/// Reads until the response to `initialize`.
async fn first_response(
    lines: &mut LineReader<ChildStdout>,
    notices: &mut NoticeCounter,
    log: &ProgramLog,
    pid: u32,
) -> Result<Result<Box<RawValue>, RpcError>, Exit> {
    loop {
        let Some(line) = lines.next().await? else {
            return Err(Exit::StdoutClosed);
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match Incoming::parse(line).map_err(|_| Exit::Protocol(ProtocolError::NotAMessage))? {
            Incoming::Log { level, message } => {
                log.write(pid, &level, &message);
                notices.count(Instant::now()).map_err(Exit::Protocol)?;
            }
            Incoming::Response {
                id: INITIALIZE,
                outcome,
            } => return Ok(outcome),
            _ => return Err(Exit::Protocol(ProtocolError::TooEarly)),
        }
    }
}

/// Reason why a process did not become ready.
enum Failure {
    Start(StartError),
    Exit(Exit),
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl From<Exit> for Failure {
    fn from(exit: Exit) -> Self {
        Self::Exit(exit)
    }
}

impl Stderr {
    fn read(stderr: impl AsyncRead + Unpin + Send + 'static, pid: u32, log: ProgramLog) -> Self {
        let last_line = Arc::new(Mutex::new(None));
        let newest = Arc::clone(&last_line);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut lines = LineReader::new(stderr);
            loop {
                let line = match lines.next().await {
                    Ok(Some(line)) => line,
                    // What would be too long for a message is too long for a log as well.
                    Err(ReadError::TooLong) => {
                        lines = lines.restart();
                        continue;
                    }
                    Ok(None) | Err(ReadError::Io(_)) => return,
                };
                let end = line.len().min(MAX_LOG_LINE);
                let text = String::from_utf8_lossy(&line[..end]);
                log.write(pid, "stderr", &text);
                if !text.trim().is_empty() {
                    let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
                    *newest = Some(text.trim().chars().take(300).collect());
                }
            }
        });
        Self { reader, last_line }
    }

    /// Returns the last line, once all of them are read.
    async fn last_line(&mut self) -> Option<String> {
        tokio::select! {
            _ = self.reader.join_next() => {}
            () = sleep(LAST_WORDS) => {}
        }
        let last = self
            .last_line
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}
