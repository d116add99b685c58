//! Checks of a program against the protocol, rule by rule.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::protocol::{Announcement, Cell, Incoming, LineReader, PROTOCOL, RpcError, code};

/// Longest time from the start of a program to its first response.
const LOADING: Duration = Duration::from_mins(2);
/// Longest time of every other response.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest time for the end of a program whose stdin was closed.
const END: Duration = Duration::from_secs(5);

/// Texts that are scored. They are awkward for languages that think in bytes, UTF-16 or lines.
const TEXTS: [&str; 6] = [
    "I agree",
    "",
    "two\nlines\u{2028}",
    "\u{1f600} and \"quotes\" \\",
    "\0",
    "na\u{ef}ve \u{5d0}",
];

/// A rule of the protocol, and whether the program follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// Behaviour found instead.
    pub broken: Option<String>,
}

/// Runs the program `argv` through the protocol, as often as there are things to try.
pub async fn test_program(argv: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |rule: &str, outcome: Result<(), Broken>| {
        findings.push(Finding {
            rule: rule.to_owned(),
            broken: outcome.err().map(|broken| broken.0),
        });
    };
    let announcement = match announce(argv, &[]).await {
        Ok(announcement) => announcement,
        Err(broken) => {
            note(
                "it starts, and its response to initialize fits",
                Err(broken),
            );
            return findings;
        }
    };
    note("it starts, and its response to initialize fits", Ok(()));
    let again = announce(argv, &[]).await;
    note(
        "every process announces the same",
        match again {
            Ok(again) if again == announcement => Ok(()),
            Ok(_) => Err("a second process announced something else".into()),
            Err(broken) => Err(broken),
        },
    );
    note(
        "another version of the protocol is refused",
        other_version(argv).await,
    );
    note(
        "a missing function is refused",
        missing_function(argv).await,
    );
    note("it ends when its stdin does", end_of_stdin(argv).await);
    note(
        "empty lines, unknown fields and notifications are ignored",
        ignored(argv).await,
    );
    note("an unknown method is refused", unknown_method(argv).await);
    for (name, scorer) in &announcement.scorers {
        let rule = |what: &str| format!("scorer {name}: {what}");
        note(
            &rule("a column for each output, a cell for each item"),
            score(argv, name, &scorer.outputs, &TEXTS).await,
        );
        if let [first, _, ..] = scorer.outputs.as_slice() {
            let one = std::slice::from_ref(first);
            note(
                &rule("one output alone may be wanted"),
                score(argv, name, one, &TEXTS).await,
            );
        }
        let many: Vec<&str> = TEXTS.iter().copied().cycle().take(500).collect();
        note(
            &rule("a batch of 500 items"),
            score(argv, name, &scorer.outputs, &many).await,
        );
    }
    findings
}

/// A process of the program.
struct Conversation {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: LineReader<ChildStdout>,
    next_id: u64,
}

/// Behaviour of a program that breaks a rule.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(String);

impl<T: Into<String>> From<T> for Broken {
    fn from(what: T) -> Self {
        Self(what.into())
    }
}

/// Response of a program, if it sent one.
type Outcome = Result<Result<Value, RpcError>, Broken>;

impl Conversation {
    fn start(argv: &[String]) -> Result<Self, Broken> {
        let [program, arguments @ ..] = argv else {
            return Err("there is no program".into());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program} cannot be run: {error}"))?;
        let stdout = child.stdout.take().ok_or("it has no stdout")?;
        Ok(Self {
            stdin: child.stdin.take(),
            child,
            lines: LineReader::new(stdout),
            next_id: 1,
        })
    }

    async fn initialized(
        argv: &[String],
        functions: &[&str],
    ) -> Result<(Self, Announcement), Broken> {
        let mut talk = Self::start(argv)?;
        let result = talk.initialize(PROTOCOL, functions).await?;
        let result = result.map_err(|error| answered(&error))?;
        let announcement = Announcement::read(&result.to_string(), &[].into());
        Ok((talk, announcement.map_err(|error| error.to_string())?))
    }

    async fn initialize(&mut self, protocol: &str, functions: &[&str]) -> Outcome {
        let params = json!({"protocol": protocol, "role": "scorer", "functions": functions, "device": null, "later": [{}]});
        self.request("initialize", params, LOADING).await
    }

    async fn write(&mut self, line: &str) -> Result<(), Broken> {
        let stdin = self.stdin.as_mut().ok_or("its stdin is closed")?;
        let written = stdin.write_all(format!("{line}\n").as_bytes()).await;
        Ok(written.map_err(|error| format!("its stdin cannot be written: {error}"))?)
    }

    async fn request(&mut self, method: &str, params: Value, patience: Duration) -> Outcome {
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.write(&request.to_string()).await?;
        let response = timeout(patience, self.response(id)).await;
        response
            .unwrap_or_else(|_| Err(format!("no response to {method} within {patience:?}").into()))
    }

    async fn response(&mut self, wanted: u64) -> Outcome {
        loop {
            let line = self.lines.next().await.map_err(|error| error.to_string())?;
            let line = line.ok_or("it closed its stdout, or ended")?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match Incoming::parse(line).map_err(|error| error.to_string())? {
                Incoming::Response { id, outcome } if id == wanted => {
                    return Ok(match outcome {
                        Ok(result) => Ok(serde_json::from_str(result.get())
                            .map_err(|error| error.to_string())?),
                        Err(error) => Err(error),
                    });
                }
                Incoming::Response { id, .. } => {
                    return Err(format!("it answered request {id}, which is not in flight").into());
                }
                Incoming::Request { .. } => return Err("it sent a request".into()),
                Incoming::Log { .. } | Incoming::Progress { .. } | Incoming::Ignored => {}
            }
        }
    }

    fn group(&self) -> Option<Pid> {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn announce(argv: &[String], functions: &[&str]) -> Result<Announcement, Broken> {
    Ok(Conversation::initialized(argv, functions).await?.1)
}

fn answered(error: &RpcError) -> String {
    format!(
        "it answered with the error {}: {}",
        error.code, error.message
    )
}

/// Returns whether the outcome is an error with this code.
fn refused(outcome: Outcome, expected: i64) -> Result<(), Broken> {
    match outcome? {
        Err(error) if error.code == expected => Ok(()),
        Err(error) => Err(format!("{}, expected the error {expected}", answered(&error)).into()),
        Ok(_) => Err(format!("it answered with a result, expected the error {expected}").into()),
    }
}

async fn other_version(argv: &[String]) -> Result<(), Broken> {
    let mut talk = Conversation::start(argv)?;
    refused(
        talk.initialize("weir-program/999", &[]).await,
        code::VERSION,
    )
}

async fn missing_function(argv: &[String]) -> Result<(), Broken> {
    let mut talk = Conversation::start(argv)?;
    refused(
        talk.initialize(PROTOCOL, &["no_such_function"]).await,
        code::NO_FUNCTION,
    )
}

async fn unknown_method(argv: &[String]) -> Result<(), Broken> {
    let (mut talk, _) = Conversation::initialized(argv, &[]).await?;
    refused(
        talk.request("sing", json!({}), PATIENCE).await,
        code::METHOD,
    )
}

async fn ignored(argv: &[String]) -> Result<(), Broken> {
    let (mut talk, _) = Conversation::initialized(argv, &[]).await?;
    talk.write("").await?;
    talk.write(r#"{"jsonrpc":"2.0","method":"sing","params":{"x":1},"later":true}"#)
        .await?;
    talk.write(r#"{"jsonrpc":"2.0","method":"cancel","params":{"id":99}}"#)
        .await?;
    refused(
        talk.request("sing", json!({}), PATIENCE).await,
        code::METHOD,
    )
}

async fn end_of_stdin(argv: &[String]) -> Result<(), Broken> {
    let (mut talk, _) = Conversation::initialized(argv, &[]).await?;
    let group = talk.group();
    drop(talk.stdin.take());
    let ended = timeout(END, talk.child.wait()).await;
    ended
        .map_err(|_| format!("it still runs after {END:?}"))?
        .map_err(|error| error.to_string())?;
    let until = Instant::now() + END;
    while let Some(group) = group
        && test_kill_process_group(group).is_ok()
    {
        if Instant::now() > until {
            let _ = kill_process_group(group, Signal::KILL);
            return Err("it left a process behind".into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn score(
    argv: &[String],
    function: &str,
    outputs: &[String],
    texts: &[&str],
) -> Result<(), Broken> {
    let (mut talk, _) = Conversation::initialized(argv, &[function]).await?;
    let items: Vec<Value> = texts
        .iter()
        .map(|text| json!({"item": {"text": text}}))
        .collect();
    let params =
        json!({"function": function, "budget_ms": 30_000, "outputs": outputs, "items": items});
    let result = talk.request("score", params, PATIENCE).await?;
    let result = result.map_err(|error| answered(&error))?;
    for output in outputs {
        let column = &result["columns"][output];
        let cells: Vec<Cell> = serde_json::from_value(column.clone())
            .map_err(|error| format!("the column {output}: {error}"))?;
        if cells.len() != texts.len() {
            return Err(format!(
                "the column {output} has {} cells for {} items",
                cells.len(),
                texts.len()
            )
            .into());
        }
    }
    Ok(())
}
