//! Nothing outlives the host, whatever ends it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use crate::common::{Fixture, is_alive, score};

/// A program that starts another process, and both leave their ids in a file.
const FORKS: &str = r#"
child = os.fork()
if child == 0:
    time.sleep(1000)
with open(os.environ["PIDS"], "a") as file:
    file.write(f"{os.getpid()} {child} ")
"#;

/// The process that is killed: it hosts a pool and waits.
#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn host_process() {
    let pids = env::var_os("PIDS").unwrap();
    let mut fixture = Fixture::of_python(FORKS);
    (fixture.spec.workers, fixture.spec.standby) = (2, 1);
    fixture.spec.environment.insert("PIDS".into(), pids);
    let pool = fixture.start_warm().await;
    score(&pool, &["a"]).await;
    println!("ready");
    std::future::pending::<()>().await;
}

#[test]
fn no_process_outlives_a_kill_of_the_host_by_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pids");
    let mut host = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "orphans::host_process",
            "--ignored",
            "--nocapture",
        ])
        .env("PIDS", &file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(host.stdout.take().unwrap()));
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.contains("ready"))
    );
    let pids = fs::read_to_string(&file).unwrap();
    let pids: Vec<u32> = pids
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 6);
    assert!(pids.iter().all(|&pid| is_alive(pid)));

    host.kill().unwrap();
    let killed = Instant::now();
    while pids.iter().any(|&pid| is_alive(pid)) {
        assert!(killed.elapsed() < Duration::from_secs(1), "they live on");
        std::thread::sleep(Duration::from_millis(10));
    }
    host.wait().unwrap();
}

#[tokio::test]
async fn a_program_without_network_reaches_nothing() {
    let code = r#"
import socket
server = os.environ["SERVER"].rsplit(":", 1)
def score(text):
    try:
        socket.create_connection((server[0], int(server[1])), timeout=2).close()
        return 1
    except OSError:
        return 0
"#;
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut fixture = Fixture::of_python(code);
    fixture
        .spec
        .environment
        .insert("SERVER".into(), address.into());
    let pool = fixture.start_warm().await;
    assert_eq!(crate::common::numbers(&score(&pool, &["a"]).await), [1.0]);
    drop(pool);

    fixture.spec.network = false;
    let pool = fixture.start();
    match pool.warm().await {
        Ok(_) => assert_eq!(crate::common::numbers(&score(&pool, &["a"]).await), [0.0]),
        // Some systems do not let users have namespaces of their own.
        Err(error) => assert!(
            error.to_string().starts_with("network = false: "),
            "{error}"
        ),
    }
}
