//! What stands in place of the settings file, and is none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir_test_support::PATIENCE;

use crate::server::{QUIET, Server};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// What a command that must not wait for anybody says, and its exit code.
fn ended(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{command:?} never ended");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_no_regular_file_is_refused_at_the_start_by_what_it_is() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    make_fifo(&fifo);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&fifo, &link).unwrap();
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    let cases: [(PathBuf, &str); 6] = [
        (fifo, "found a FIFO"),
        (link, "found a FIFO"),
        (folder.path().to_owned(), "found a directory"),
        ("/dev/zero".into(), "found a device"),
        ("/dev/null".into(), "found a device"),
        (large, "expected at most"),
    ];
    for (path, said) in &cases {
        let serve = ended(Command::new(WEIR).args(["serve", "--config"]).arg(path));
        let check = ended(Command::new(WEIR).arg("check").arg(path));
        let named = ended(Command::new(WEIR).arg("serve").env("WEIR_CONFIG", path));
        for output in [serve, check, named] {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{stderr}");
            assert!(stderr.contains(said), "{stderr}");
        }
    }
    let substituted = format!("exec {WEIR} serve --config <(echo)");
    let output = ended(Command::new("bash").args(["-c", &substituted]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("process substitution"), "{stderr}");
}

#[tokio::test]
async fn what_takes_the_place_of_the_file_is_refused_and_a_file_is_taken_after_it() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let file = server.config();
    for (said, put) in [
        ("found a FIFO", make_fifo as fn(&Path)),
        ("found a directory", |path| fs::create_dir(path).unwrap()),
        ("found a device", |path| {
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        }),
        ("expected at most", |path| {
            fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
        }),
        ("is empty", |path| fs::write(path, "").unwrap()),
        ("is empty", |path| fs::write(path, "\n \n").unwrap()),
    ] {
        let gone = file.with_extension("gone");
        fs::rename(&file, &gone).unwrap();
        put(&file);
        server.until_ready_says(|ready| ready.contains(said)).await;
        server.rank().await;
        if file.is_dir() {
            fs::remove_dir(&file).unwrap();
        }
        fs::rename(&gone, &file).unwrap();
        server
            .until_ready_says(|ready| !ready.contains("config"))
            .await;
    }
}

#[tokio::test]
async fn a_lexicon_that_is_a_fifo_is_refused() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let fifo = server.folder.path().join("words.csv");
    make_fifo(&fifo);
    let scorer = format!(
        "{QUIET}[scorers.words]\nkind = \"lexicon\"\nlexicon.file = {:?}\n",
        fifo.display().to_string()
    );
    fs::write(server.config(), scorer).unwrap();
    server
        .until_ready_says(|ready| ready.contains("found a FIFO"))
        .await;
    server.rank().await;
}
