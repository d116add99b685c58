use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

use weir_test_support::Weir;

use super::QUIET;

/// A Weir at a known port, so that its configuration tells its address.
fn weir_at_a_known_port(settings: &str) -> Weir {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    Weir::start(&format!("{QUIET}server.bind = \"{address}\"\n{settings}"))
}

/// `weir` in a folder of its own, with nothing in the environment that names a server.
pub(super) fn weir(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir("/");
    for name in ["WEIR_CONFIG", "WEIR_URL", "WEIR_KEY"] {
        command.env_remove(name);
    }
    command
}

fn with_config(arguments: &[&str], file: &Path) -> Command {
    let mut command = weir(arguments);
    command.arg("--config").arg(file);
    command
}

#[track_caller]
fn assert_well(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[track_caller]
fn assert_refused(output: &Output, reasons: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for reason in reasons {
        assert!(said.contains(reason), "{reason:?} is not in: {said}");
    }
}

/// A server that refuses one request with 401 and tells the head of it.
fn stranger() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head: Vec<String> = lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream
            .write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        head.join("\n").to_lowercase()
    });
    (url, head)
}

#[tokio::test]
async fn commands_find_address_and_key_by_the_configuration() {
    let weir_process = weir_at_a_known_port("");
    let file = weir_process.config();
    for arguments in [&["job", "list"][..], &["schedule", "list"], &["demo"]] {
        assert_well(&with_config(arguments, &file).output().unwrap());
        let by_variable = weir(arguments).env("WEIR_CONFIG", &file).output();
        assert_well(&by_variable.unwrap());
    }
    let same = weir_process.url("").replace("127.0.0.1", "localhost");
    let output = with_config(&["job", "list", "--url", &same], &file).output();
    assert_well(&output.unwrap());
}

#[tokio::test]
async fn commands_take_the_first_configured_key() {
    let weir = weir_at_a_known_port("auth.admin = [\"first\", \"second\"]");
    let output = with_config(&["job", "list"], &weir.config()).output();
    assert_well(&output.unwrap());
    let second = with_config(&["job", "list", "--key", "second"], &weir.config()).output();
    assert_well(&second.unwrap());
}

#[tokio::test]
async fn a_configured_key_is_not_sent_to_another_address() {
    let weir = weir_at_a_known_port("");
    let (url, head) = stranger();
    let output = with_config(&["job", "list", "--url", &url], &weir.config()).output();
    assert_refused(
        &output.unwrap(),
        &["the configured key is only for", "--key"],
    );
    let head = head.join().unwrap();
    assert!(head.starts_with("get /v1/jobs"), "{head}");
    assert!(
        !head.contains("authorization") && !head.contains(&weir.key()),
        "{head}"
    );

    let (url, head) = stranger();
    let output = with_config(&["job", "list", "--url", &url], &weir.config())
        .env("WEIR_KEY", "given")
        .output();
    assert_refused(
        &output.unwrap(),
        &["refused the key from --key or WEIR_KEY (401)"],
    );
    assert!(head.join().unwrap().contains("authorization: bearer given"));
}

#[tokio::test]
async fn a_key_for_this_machine_passes_through_no_proxy() {
    let weir = weir_at_a_known_port("");
    let output = with_config(&["job", "list"], &weir.config())
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .output();
    assert_well(&output.unwrap());
}

#[tokio::test]
async fn a_missing_or_refused_key_is_reported_with_a_remedy() {
    let weir = weir_at_a_known_port("");
    let file = weir.config();
    let output = with_config(&["job", "list", "--key", "hunter2"], &file).output();
    let output = output.unwrap();
    assert_refused(&output, &["refused the key from --key or WEIR_KEY (403)"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hunter2"));

    let key = weir.data_dir().join("admin.key");
    std::fs::rename(&key, key.with_extension("moved")).unwrap();
    let output = with_config(&["job", "list"], &file).output().unwrap();
    let path = key.display().to_string();
    assert_refused(
        &output,
        &["needs a key (401)", "there is no admin key at", &path],
    );
    std::fs::write(&key, "another").unwrap();
    let output = with_config(&["job", "list"], &file).output().unwrap();
    assert_refused(&output, &["refused the key from", &path]);
}

#[tokio::test]
async fn empty_variables_count_as_none() {
    let weir = weir_at_a_known_port("");
    let output = with_config(&["job", "list"], &weir.config())
        .env("WEIR_URL", "")
        .env("WEIR_KEY", "")
        .env("WEIR_CONFIG", "")
        .output();
    assert_well(&output.unwrap());
}
