//! A log that cannot be written.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Instant;

use weir_test_support::PATIENCE;

use crate::server::{QUIET, Server};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");
const DROPPED: &str = "weir_log_lines_dropped_total";
const FORMATS: [&str; 2] = ["text", "json"];

/// Settings that log several lines for each request.
fn talkative(format: &str) -> String {
    format!("{QUIET}log.format = {format:?}\nlog.filter = \"trace\"\n")
}

fn full_disk() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

fn closed_pipe() -> Stdio {
    let (_, writer) = pipe().unwrap();
    writer.into()
}

/// A pipe, the reader of which reads nothing yet.
fn stuck_pipe() -> (PipeReader, Stdio) {
    let (reader, writer) = pipe().unwrap();
    (reader, writer.into())
}

async fn rank_until_lines_are_dropped(server: &Server) {
    let begun = Instant::now();
    while server.metric(DROPPED).await == 0 {
        for _ in 0..20 {
            server.rank().await;
        }
        assert!(begun.elapsed() < PATIENCE, "no line was dropped");
    }
}

#[tokio::test]
async fn a_log_on_a_full_disk_or_a_closed_pipe_is_counted_and_shown_and_nothing_else_changes() {
    for format in FORMATS {
        for stderr in [full_disk(), closed_pipe()] {
            let mut server = Server::start(&talkative(format), &[WEIR], stderr).await;
            server.rank().await;
            server
                .until_ready_says(|ready| ready.contains(r#""part":"log""#))
                .await;
            assert!(server.metric(DROPPED).await > 0);
            assert_eq!(server.stop(), Some(0));
        }
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_neither_requests_nor_the_end_of_the_process() {
    let (_reader, stderr) = stuck_pipe();
    let mut server = Server::start(&talkative("text"), &[WEIR], stderr).await;
    rank_until_lines_are_dropped(&server).await;
    let begun = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_log_that_is_read_again_reports_the_number_of_dropped_lines() {
    for format in FORMATS {
        let (reader, stderr) = stuck_pipe();
        let server = Server::start(&talkative(format), &[WEIR], stderr).await;
        rank_until_lines_are_dropped(&server).await;

        let (sender, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                if line.contains("log lines were dropped") {
                    // A test that has failed listens no more.
                    let _ = sender.send(line);
                }
            }
        });
        let line = told.recv_timeout(PATIENCE).unwrap();
        let number: String = line
            .split_once("lines\":")
            .or_else(|| line.split_once("lines="))
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect())
            .unwrap();
        assert!(number.parse::<u64>().unwrap() > 0);
        server
            .until_ready_says(|ready| !ready.contains(r#""part":"log""#))
            .await;
    }
}

#[tokio::test]
async fn a_closed_stderr_changes_nothing() {
    let closing = ["sh", "-c", "exec \"$0\" \"$@\" 2>&-", WEIR];
    let mut server = Server::start(&talkative("text"), &closing, Stdio::null()).await;
    server.rank().await;
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn lines_are_in_order_and_the_last_one_is_written_before_the_end() {
    let (reader, stderr) = stuck_pipe();
    let mut server = Server::start(QUIET, &[WEIR], stderr).await;
    assert_eq!(server.stop(), Some(0));
    drop(server);
    let lines: Vec<String> = BufReader::new(reader)
        .lines()
        .map_while(Result::ok)
        .collect();
    let place = |text: &str| lines.iter().position(|line| line.contains(text));
    assert!(place("weir is listening").unwrap() < place("weir is stopping").unwrap());
    assert_eq!(place("weir has stopped"), Some(lines.len() - 1));
}

#[tokio::test]
async fn a_panic_is_logged_and_does_not_end_a_server_that_cannot_log() {
    let panicking = format!(
        "{QUIET}ranking.policy = \"mine\"\n[policies.mine]\nentity_weight = 0.0\nweights = {{ panics = 1.0 }}\n\
         [scorers.panics]\nkind = \"random\"\npanic_rate = 1.0\n"
    );
    let (reader, stderr) = stuck_pipe();
    let server = Server::start(&panicking, &[WEIR], stderr).await;
    server.rank().await;
    let line = BufReader::new(reader)
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("panic") && line.contains("location"));
    assert!(line.is_some());

    let mut server = Server::start(&panicking, &[WEIR], full_disk()).await;
    for _ in 0..5 {
        server.rank().await;
    }
    assert_eq!(server.stop(), Some(0));
}

/// What a `weir serve` logs, on a terminal or on a pipe.
async fn logged(terminal: bool, environment: &str) -> String {
    let (reader, stderr) = stuck_pipe();
    let shell = if terminal {
        format!("export {environment}; exec script -qefc \"$0 $*\" /dev/null >&2")
    } else {
        format!("export {environment}; exec \"$0\" \"$@\"")
    };
    let mut server = Server::start(QUIET, &["sh", "-c", &shell, WEIR], stderr).await;
    server.stop();
    drop(server);
    let lines = BufReader::new(reader).lines().map_while(Result::ok);
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn colour_codes_are_only_for_a_terminal_that_wants_them() {
    let listening = "weir is listening";
    for (terminal, environment, coloured) in [
        (true, "TERM=xterm NO_COLOR=", true),
        (true, "TERM=xterm NO_COLOR=1", false),
        (true, "TERM=dumb NO_COLOR=", false),
        (false, "TERM=xterm NO_COLOR=", false),
    ] {
        let log = logged(terminal, environment).await;
        assert!(log.contains(listening), "{log}");
        assert_eq!(log.contains('\x1b'), coloured, "{environment}: {log}");
    }
}
