//! Queries of a SQLite file run in a process of their own: this program, started again. SQLite's limits have no safe
//! interface here, and a process can be limited in memory and ended at any instruction.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::panic;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::{MOST_MEMORY, QueryAnswer, QueryError, QueryLimits, sqlite};
use crate::settings::DatabaseSettings;

/// The argument by which the program runs one query and ends.
pub const QUERY_COMMAND: &str = "run-query";

/// Time that a process has for everything but its query, after which it is ended.
const MARGIN: Duration = Duration::from_secs(2);
/// Largest file that SQLite may make to sort or group by.
const MOST_FILE: u64 = 1 << 30;
/// Bytes of an answer besides its rows and the names of its columns.
const FRAME: usize = 64 * 1024;
/// Variables that a process keeps: where SQLite may make its files.
const KEPT: [&str; 2] = ["SQLITE_TMPDIR", "TMPDIR"];

/// What a process is to run, one line of JSON on its stdin.
#[derive(Serialize, Deserialize)]
struct Request {
    url: String,
    sql: String,
    limits: QueryLimits,
}

/// What it answers, JSON on its stdout.
#[derive(Serialize, Deserialize)]
enum Outcome {
    Answer(QueryAnswer),
    SeveralStatements,
    InMemory,
    TimedOut,
    InvalidText { column: usize },
    OutOfMemory,
    Refused(String),
    Unavailable(String),
}

/// Runs the query in a process of its own, which ends with it, with its time, with this call and with Weir.
pub(super) async fn query(
    settings: &DatabaseSettings,
    url: &str,
    sql: &str,
    limits: QueryLimits,
) -> Result<QueryAnswer, QueryError> {
    let request = Request {
        url: url.to_owned(),
        sql: sql.to_owned(),
        limits,
    };
    let mut child = spawn(settings).map_err(QueryError::Process)?;
    let talk = timeout(limits.time + MARGIN, talk(&mut child, &request));
    let outcome = match talk.await {
        Ok(outcome) => outcome?,
        Err(_) => Some(Outcome::TimedOut),
    };
    let Some(outcome) = outcome else {
        let ended = timeout(MARGIN, child.wait()).await;
        let ended = ended.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        return Err(ended.map_or_else(QueryError::Process, |status| QueryError::Crashed { status }));
    };
    match outcome {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::SeveralStatements => Err(QueryError::SeveralStatements),
        Outcome::InMemory => Err(QueryError::InMemory),
        Outcome::TimedOut => Err(QueryError::TimedOut {
            limit_ms: limits.time.as_millis(),
        }),
        Outcome::InvalidText { column } => Err(QueryError::InvalidText { column }),
        Outcome::OutOfMemory => Err(QueryError::OutOfMemory),
        Outcome::Refused(why) => Err(QueryError::Refused(why)),
        Outcome::Unavailable(why) => Err(QueryError::Unavailable(why)),
    }
}

fn spawn(settings: &DatabaseSettings) -> io::Result<Child> {
    let program = settings.query_program.clone().unwrap_or_else(this_program);
    let kept = KEPT.into_iter();
    let kept = kept.filter_map(|name| Some((name, std::env::var_os(name)?)));
    let kept: Vec<(&str, OsString)> = kept.collect();
    Command::new(program)
        .arg(QUERY_COMMAND)
        .env_clear()
        .envs(kept)
        // Allocators that reserve address space in advance would use it up.
        .env("MALLOC_ARENA_MAX", "1")
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A signal from the terminal is Weir's to handle.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// This program, even after its file was replaced.
fn this_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() {
        return running;
    }
    std::env::current_exe().unwrap_or(running)
}

/// Hands the request over and reads the outcome; `None` if the process ended without one. Its stdin stays open until then,
/// since its end ends the process.
async fn talk(child: &mut Child, request: &Request) -> Result<Option<Outcome>, QueryError> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(QueryError::Process(io::ErrorKind::BrokenPipe.into()));
    };
    let mut line = serde_json::to_vec(request).map_err(io::Error::from);
    if let Ok(line) = &mut line {
        line.push(b'\n');
    }
    // A process that has ended says why by its status.
    let _ = stdin.write_all(&line.map_err(QueryError::Process)?).await;
    let QueryLimits { bytes, rows, .. } = request.limits;
    let most = 2 * bytes + 3 * rows + FRAME;
    let mut answer = Vec::new();
    let mut stdout = stdout.take(most as u64);
    let read = stdout.read_to_end(&mut answer).await;
    read.map_err(QueryError::Process)?;
    Ok(serde_json::from_slice(&answer).ok())
}

/// Runs the one query that stdin holds and answers on stdout: the work of the process that [`QUERY_COMMAND`] starts.
pub fn run_query() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let request: Request = serde_json::from_str(&line)?;
    // What panics, such as a driver that gets no memory, is not to be taken for a database that is unavailable.
    panic::set_hook(Box::new(|_| std::process::abort()));
    end_with_stdin()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    limit(&request.limits)?;
    let Request { url, sql, limits } = request;
    let outcome = match runtime.block_on(sqlite::query(&url, &sql, limits)) {
        Ok(answer) => Outcome::Answer(answer),
        Err(QueryError::SeveralStatements) => Outcome::SeveralStatements,
        Err(QueryError::InMemory) => Outcome::InMemory,
        Err(QueryError::TimedOut { .. }) => Outcome::TimedOut,
        Err(QueryError::InvalidText { column }) => Outcome::InvalidText { column },
        Err(QueryError::OutOfMemory) => Outcome::OutOfMemory,
        Err(QueryError::Refused(why)) => Outcome::Refused(why),
        Err(error) => Outcome::Unavailable(error.to_string()),
    };
    let answer = serde_json::to_vec(&outcome)?;
    io::stdout().lock().write_all(&answer)
}

/// Ends this process once nobody holds the other end of its stdin.
fn end_with_stdin() -> io::Result<()> {
    let watch = || {
        let mut rest = [0; 64];
        while io::stdin()
            .lock()
            .read(&mut rest)
            .is_ok_and(|read| read > 0)
        {}
        // SQLite may be in the middle of anything: nothing of this process is to run any more.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    thread::Builder::new().spawn(watch).map(drop)
}

/// Limits this process: memory beyond what it has by now, processor time, files, and no image of its memory after a crash.
fn limit(limits: &QueryLimits) -> io::Result<()> {
    let set = |resource, most| {
        let both = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, both)
    };
    set(Resource::Core, 0)?;
    set(Resource::Fsize, MOST_FILE)?;
    set(Resource::Cpu, (limits.time + MARGIN).as_secs() + 1)?;
    set(Resource::As, address_space()? + MOST_MEMORY)?;
    Ok(())
}

/// Address space of this process, in bytes.
fn address_space() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let size = status.lines().find_map(|line| {
        let size = line.strip_prefix("VmSize:")?.trim();
        size.strip_suffix(" kB")?.parse::<u64>().ok()
    });
    Ok(size.ok_or(io::ErrorKind::InvalidData)? * 1024)
}
