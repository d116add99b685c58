//! A Weir that is the first process of a container.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use weir_test_support::PATIENCE;

use crate::server::{QUIET, Server, signal_to};

const NAMESPACE: [&str; 6] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
];

/// Whether this machine lets a process be the first of a namespace of its own.
fn is_possible() -> bool {
    let (program, arguments) = NAMESPACE.split_first().unwrap();
    let tried = Command::new(program)
        .args(arguments)
        .args(["--mount-proc", "true"])
        .status();
    let possible = tried.is_ok_and(|status| status.success());
    if !possible {
        eprintln!("no process namespaces on this machine: nothing is tested");
    }
    possible
}

async fn start(settings: &str) -> Server {
    let weir = env!("CARGO_BIN_EXE_weir");
    let command = [NAMESPACE.as_slice(), &["--mount-proc", weir]].concat();
    Server::start(settings, &command, Stdio::null()).await
}

/// The process that is the first in its namespace, as this one sees it.
fn first_process(server: &Server) -> u32 {
    let pid = server.child.id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children.trim().parse().unwrap()
}

#[tokio::test]
async fn orphans_are_reaped_and_the_exit_status_of_programs_is_still_reported() {
    if !is_possible() {
        return;
    }
    let settings = format!(
        "{QUIET}{}",
        r#"
        [programs.leaves_orphans]
        mode = "once"
        argv = ["sh", "-c", "for i in 1 2 3; do setsid sh -c 'exec sleep 0.1' >/dev/null 2>&1 </dev/null & done; echo 1"]
        [programs.fails]
        mode = "once"
        argv = ["sh", "-c", "exit 3"]
        max_attempts = 1
        [programs.zombies]
        mode = "once"
        argv = ["sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true"]
        "#
    );
    let server = start(&settings).await;
    for _ in 0..5 {
        assert_eq!(server.run_program("leaves_orphans").await["result"], 1);
        let failed = server.run_program("fails").await;
        assert!(
            failed["error"].to_string().contains("exit status: 3"),
            "{failed}"
        );
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let zombies = server.run_program("zombies").await["result"].clone();
        if zombies == json!(0) {
            return;
        }
        assert!(Instant::now() < deadline, "{zombies} zombies");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn signals_reach_it_and_its_exit_code_is_answered() {
    if !is_possible() {
        return;
    }
    for signal in ["TERM", "INT", "QUIT"] {
        let mut server = start(QUIET).await;
        for harmless in ["HUP", "USR1", "USR2"] {
            signal_to(first_process(&server), harmless);
            server.rank().await;
        }
        signal_to(first_process(&server), signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
