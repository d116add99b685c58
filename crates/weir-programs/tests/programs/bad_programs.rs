//! Programs that never become ready: each has its own clear message, and no pool is stuck.

use std::fs;
use std::time::{Duration, Instant};

use weir_programs::{CallError, ItemError, ProcessState};

use crate::common::{Fixture, PATIENCE, batch, score, wait_for};

#[tokio::test]
async fn a_missing_program_is_named() {
    let fixture = Fixture::of_argv(&["./nobody"]);
    assert_eq!(fixture.start_error().await, "./nobody was not found");
}

#[tokio::test]
async fn a_program_that_is_not_executable_is_named() {
    let fixture = Fixture::of_argv(&["./mine.txt"]);
    fs::write(fixture.folder.path().join("mine.txt"), "").unwrap();
    let error = fixture.start_error().await;
    assert!(
        error.starts_with("./mine.txt is not executable: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let mut fixture = Fixture::of_argv(&["true"]);
    fixture.spec.working_dir = fixture.folder.path().join("nowhere");
    let error = fixture.start_error().await;
    assert!(error.ends_with("/nowhere does not exist"), "{error}");
}

#[tokio::test]
async fn an_early_exit_is_told_with_its_status_and_the_last_line_of_stderr() {
    let fixture = Fixture::of_sh("echo 'first' >&2; echo 'no module named x' >&2; exit 3");
    assert_eq!(
        fixture.start_error().await,
        "it ended with exit status: 3 before it was ready; the last line of its stderr: no module named x"
    );
    assert!(fixture.log_text().contains("stderr: first\n"));
}

#[tokio::test]
async fn the_reason_that_a_program_gives_is_told_with_file_and_line() {
    let code = r#"
def main():
    sys.stdin.readline()
    data = {"type": "KeyError", "file": "mine.py", "line": 7, "known": ["a", "b"]}
    send({"id": 1, "error": {"code": -32001, "message": "there is no function 'length'", "data": data}})
"#;
    let error = Fixture::of_python(code).start_error().await;
    assert_eq!(
        error,
        "mine.py, line 7: there is no function 'length' (there are a, b)"
    );
}

#[tokio::test]
async fn another_version_of_the_protocol_is_told() {
    let code = r#"announce = lambda: {"protocol": "weir-program/9"}"#;
    let error = Fixture::of_python(code).start_error().await;
    assert_eq!(
        error,
        "the program speaks \"weir-program/9\", expected \"weir-program/1\""
    );
}

#[tokio::test]
async fn other_outputs_than_configured_are_told() {
    let mut fixture = Fixture::of_python("");
    let scorer = fixture.spec.scorers.get_mut("length").unwrap();
    scorer.outputs = vec!["long".to_owned(), "short".to_owned()];
    assert_eq!(
        fixture.start_error().await,
        "the scorer \"length\" has the outputs score, the configuration says long, short"
    );
}

#[tokio::test]
async fn a_program_that_prints_before_it_is_ready_violates_the_protocol() {
    let error = Fixture::of_python("print('loading')").start_error().await;
    assert_eq!(
        error,
        "it violated the protocol: a line on its stdout is no message before it was ready"
    );
}

#[tokio::test]
async fn a_flood_before_the_first_line_is_cut_off() {
    for code in [
        "yes x | tr -d '\\n'",
        "yes '{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"message\":\"x\"}}'",
    ] {
        let begun = Instant::now();
        let error = Fixture::of_sh(code).start_error().await;
        assert!(
            error.contains("violated the protocol") || error.contains("ended"),
            "{error}"
        );
        assert!(begun.elapsed() < PATIENCE / 2);
    }
}

#[tokio::test]
async fn a_program_that_hangs_before_its_first_line_is_ended_in_time() {
    let mut fixture = Fixture::of_sh("sleep 1000");
    fixture.spec.start_timeout = Duration::from_millis(300);
    assert_eq!(
        fixture.start_error().await,
        "it was not ready within start_timeout = 300ms"
    );
}

#[tokio::test]
async fn a_program_that_closes_its_stdout_and_stays_is_ended() {
    let fixture = Fixture::of_sh("exec >&-; sleep 1000");
    assert_eq!(
        fixture.start_error().await,
        "it closed its stdout before it was ready"
    );
}

#[tokio::test]
async fn calls_of_a_program_that_never_starts_fail_at_once_and_its_restarts_are_bounded() {
    let mut fixture = Fixture::of_sh("echo run >> runs; exit 1");
    fixture.spec.workers = 1;
    let pool = fixture.start();
    wait_for("the pool to give up", || {
        pool.status()[0].state == ProcessState::GaveUp
    })
    .await;
    let runs = fs::read_to_string(fixture.folder.path().join("runs")).unwrap();
    assert_eq!(runs.lines().count(), 6, "the first and five restarts");

    let begun = Instant::now();
    let rows = score(&pool, &["a"]).await;
    assert_eq!(rows, [Err(ItemError::Call(CallError::Unavailable))]);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let trouble = pool.trouble().unwrap();
    assert!(
        trouble.starts_with("gave up for a while: it ended with exit status: 1"),
        "{trouble}"
    );
}

#[tokio::test]
async fn while_a_program_loads_calls_fail_at_once() {
    let fixture = Fixture::of_sh("sleep 1000");
    let pool = fixture.start();
    let deadline = Instant::now() + PATIENCE;
    let rows = pool.score(&batch(&["a"]), deadline).await;
    assert_eq!(rows, [Err(ItemError::Call(CallError::Unavailable))]);
    assert_eq!(pool.trouble().as_deref(), Some("starting"));
}
