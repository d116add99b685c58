//! The signals that `weir serve` takes.

use std::fs;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use weir_test_support::{PATIENCE, Weir};

use crate::server::{QUIET, Server, environment, signal_to};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");

/// The lines of a log, as they come.
fn lines_of(log: PipeReader) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // A test that has ended listens no more.
            let _ = sender.send(line);
        }
    });
    lines
}

fn until_line(lines: &Receiver<String>, text: &str) {
    while !lines.recv_timeout(PATIENCE).unwrap().contains(text) {}
}

/// Whether a process runs whose command line names a folder.
fn runs_in(folder: &TempDir) -> bool {
    let found = Command::new("pgrep").arg("-f").arg(folder.path()).output();
    !found.unwrap().stdout.is_empty()
}

#[tokio::test]
async fn sighup_reloads_the_settings_file_at_once() {
    let (log, stderr) = pipe().unwrap();
    let server = Server::start(QUIET, &[WEIR], stderr.into()).await;
    let lines = lines_of(log);
    server.signal("HUP");
    until_line(&lines, "settings read again, nothing has changed");

    fs::write(
        server.config(),
        format!("{QUIET}ranking.policy = \"calm\"\n"),
    )
    .unwrap();
    server.signal("HUP");
    until_line(&lines, "edited settings taken");

    fs::write(
        server.config(),
        format!("{QUIET}ranking.policy = \"clam\"\n"),
    )
    .unwrap();
    server.signal("HUP");
    until_line(&lines, "edited settings refused");
    server.rank().await;
}

#[tokio::test]
async fn sighup_does_not_end_a_server_without_a_settings_file() {
    let (log, stderr) = pipe().unwrap();
    let mut server = Server::start_without_file(&[WEIR], stderr.into()).await;
    let lines = lines_of(log);
    server.signal("HUP");
    until_line(&lines, "there is no settings file to read again");
    server.rank().await;
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn signals_that_mean_nothing_are_ignored() {
    let mut server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    for signal in [
        "USR1", "USR2", "PIPE", "ALRM", "VTALRM", "PROF", "IO", "XFSZ", "WINCH", "URG",
    ] {
        server.signal(signal);
        server.rank().await;
    }
    assert_eq!(server.stop(), Some(0));
}

#[tokio::test]
async fn term_int_and_quit_stop_in_order_and_take_redis_along() {
    for signal in ["TERM", "INT", "QUIT"] {
        let mut weir = Weir::start("schedules.top_named_entities.enabled = false\n");
        weir.counted("redis_server", "started", 1).await;
        signal_to(weir.pid(), signal);
        assert_eq!(weir.wait(), Some(0), "{signal}");
        let redis = Command::new("pgrep")
            .arg("-f")
            .arg(weir.data_dir().join("redis"))
            .output();
        assert!(redis.unwrap().stdout.is_empty(), "{signal}");
        assert!(weir.log().contains("weir has stopped"), "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_a_server_that_waits_for_its_jobs() {
    for second in ["TERM", "INT", "QUIT"] {
        let settings = format!(
            "{QUIET}shutdown.grace = \"2m\"\n[programs.sleep]\nmode = \"once\"\nargv = [\"sh\", \"-c\", \"echo begun >&2; sleep 100\"]\n"
        );
        let (log, stderr) = pipe().unwrap();
        let mut server = Server::start(&settings, &[WEIR], stderr.into()).await;
        let lines = lines_of(log);
        server.submit_program("sleep").await;
        until_line(&lines, "begun");
        server.signal("TERM");
        until_line(&lines, "weir is stopping");
        server.signal(second);
        assert_eq!(server.child.wait().unwrap().code(), Some(1), "{second}");
        until_line(&lines, "stopped at once by a second signal");
    }
}

#[test]
fn a_signal_during_the_start_leaves_nothing_behind() {
    for delay in [0, 10, 30, 60, 100, 150, 250, 400, 800] {
        let folder = TempDir::new().unwrap();
        let mut weir = Command::new(WEIR)
            .arg("serve")
            .envs(environment(&folder))
            .env("WEIR__SERVER__BIND", "127.0.0.1:0")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(delay));
        signal_to(weir.id(), "TERM");
        let ended = weir.wait().unwrap();
        // Before the handlers are there, nothing is that could be left behind.
        assert!(ended.code().is_none_or(|code| code == 0), "{ended}");
        assert!(!runs_in(&folder), "{delay} ms");
    }
}

#[tokio::test]
async fn sighup_during_the_start_is_not_lost() {
    let (log, stderr) = pipe().unwrap();
    let lines = lines_of(log);
    let begin = "\"$0\" \"$@\" & weir=$!; sleep 0.3; kill -s HUP $weir; trap 'kill $weir' TERM; wait $weir; wait $weir";
    let mut server = Server::start(QUIET, &["sh", "-c", begin, WEIR], stderr.into()).await;
    until_line(&lines, "settings read again, nothing has changed");
    server.stop();
}
