use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use tempfile::TempDir;
use weir_programs::{
    Cell, ExpectedScorer, ItemError, LauncherCommand, ProcessState, ProgramHost, ProgramLog,
    ProgramPool, ProgramSpec, Role, Rows, ScoreBatch, ScoreItem,
};
use weir_supervision::{Backoff, SupervisionPolicy};

/// Longest time that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The protocol by hand. What stands in a test replaces functions of it.
const PRELUDE: &str = r#"
import json, os, sys, time

def send(message):
    sys.stdout.write(json.dumps(dict(message, jsonrpc="2.0")) + "\n")
    sys.stdout.flush()

def announce():
    return {"protocol": "weir-program/1", "version": "1", "scorers": {"length": {"reads": ["text"]}}}

def score(text):
    return len(text)

def answer(method, params, id):
    if method == "initialize":
        return announce()
    return {"columns": {"score": [score(each["item"]["text"]) for each in params["items"]]}}

def main():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            send({"id": message["id"], "result": answer(message["method"], message["params"], message["id"])})
"#;

static PYTHON: LazyLock<OsString> = LazyLock::new(|| {
    let shown = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output();
    String::from_utf8(shown.unwrap().stdout)
        .unwrap()
        .trim()
        .into()
});

/// A folder with a program, and a host.
pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) host: ProgramHost,
    pub(crate) spec: ProgramSpec,
}

impl Fixture {
    /// A program that runs `argv` in the folder.
    pub(crate) fn of_argv(argv: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_program-launcher"));
        let path = std::env::var_os("PATH").unwrap();
        let spec = ProgramSpec {
            name: "mine".to_owned(),
            argv: argv.iter().map(OsString::from).collect(),
            working_dir: folder.path().to_owned(),
            environment: BTreeMap::from([("PATH".into(), path)]),
            role: Role::Scorer,
            scorers: BTreeMap::from([(
                "length".to_owned(),
                ExpectedScorer {
                    outputs: vec!["score".to_owned()],
                    readable: vec!["text".to_owned()],
                },
            )]),
            workers: 1,
            standby: 0,
            devices: Vec::new(),
            start_timeout: PATIENCE,
            kill_after: Some(PATIENCE),
            max_rss: 0,
            recycle_after: 0,
            network: true,
            watched_folder: None,
            restarts: SupervisionPolicy {
                backoff: Backoff::new(Duration::from_millis(20), Duration::from_millis(100)),
                max_restarts: 5,
                window: Duration::from_mins(1),
                freeze_after: Duration::from_secs(5),
            },
        };
        let host = ProgramHost::start(LauncherCommand { binary }).unwrap();
        Self { folder, host, spec }
    }

    /// A Python program: the protocol by hand, with `code` after it.
    pub(crate) fn of_python(code: &str) -> Self {
        let mut fixture = Self::of_argv(&[]);
        fixture.spec.argv = vec![PYTHON.clone(), "mine.py".into()];
        fixture.write_python(code);
        fixture
    }

    /// A program that sh runs.
    pub(crate) fn of_sh(code: &str) -> Self {
        let fixture = Self::of_argv(&["./mine.sh"]);
        let file = fixture.folder.path().join("mine.sh");
        fs::write(&file, format!("#!/bin/sh\n{code}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        fixture
    }

    pub(crate) fn write_python(&self, code: &str) {
        let program = format!("{PRELUDE}\n{code}\nmain()\n");
        fs::write(self.folder.path().join("mine.py"), program).unwrap();
    }

    pub(crate) fn log(&self) -> ProgramLog {
        ProgramLog::open(&self.folder.path().join("programs"), "mine").unwrap()
    }

    pub(crate) fn start(&self) -> ProgramPool {
        ProgramPool::start(&self.host, self.spec.clone(), self.log())
    }

    /// Starts a pool and waits until all of its processes are ready.
    pub(crate) async fn start_warm(&self) -> ProgramPool {
        let pool = self.start();
        let ready = |pool: &ProgramPool| {
            let status = pool.status();
            let count = |wanted| {
                status
                    .iter()
                    .filter(|process| process.state == wanted)
                    .count()
            };
            count(ProcessState::Serving) == self.spec.workers
                && count(ProcessState::Standby) == self.spec.standby
        };
        wait_for("all processes to be ready", || ready(&pool)).await;
        pool
    }

    /// Returns the message of the first start that failed.
    pub(crate) async fn start_error(&self) -> String {
        self.start().warm().await.unwrap_err().to_string()
    }

    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.folder.path().join("programs/mine.log")).unwrap_or_default()
    }
}

pub(crate) async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn batch(texts: &[&str]) -> ScoreBatch {
    let item = |text: &&str| ScoreItem {
        fields: RawValue::from_string(serde_json::json!({ "text": text }).to_string()).unwrap(),
        session: None,
    };
    ScoreBatch {
        function: "length".into(),
        outputs: Arc::from(["score".to_owned()]),
        sessions: Vec::new(),
        items: texts.iter().map(item).collect(),
    }
}

pub(crate) async fn score(pool: &ProgramPool, texts: &[&str]) -> Rows {
    pool.score(&batch(texts), Instant::now() + PATIENCE).await
}

/// The scores of a batch of which every item has one.
pub(crate) fn numbers(rows: &Rows) -> Vec<f64> {
    let number = |row: &Result<Vec<Cell>, ItemError>| match row.as_deref() {
        Ok([Cell::Number(number)]) => *number,
        other => panic!("{other:?}"),
    };
    rows.iter().map(number).collect()
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A zombie is dead, and stays until its parent looks at it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

pub(crate) fn kill(pid: u32) {
    Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
}
