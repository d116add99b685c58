//! Commands that print where nobody reads, or where nothing fits.

use std::fs::File;
use std::io::{Write, pipe};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `weir` with the arguments on one line; `FOLDER` stands for a folder of the test's own.
fn run(line: &str, folder: &Path, stdout: Stdio, stderr: Stdio) -> Output {
    let folder = folder.display().to_string();
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(line.split(' ').map(|word| word.replace("FOLDER", &folder)))
        .env("WEIR__DATABASE__URL", format!("sqlite://{folder}/weir.db"))
        .env("WEIR__DATA_DIR", &folder)
        .stdin(File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

fn closed_pipe() -> Stdio {
    let (_, writer) = pipe().unwrap();
    writer.into()
}

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

/// Commands that print on stdout and succeed.
const PRINTING: [&str; 8] = [
    "check",
    "--help",
    "help serve",
    "--version",
    "fake --posts 50",
    "fake --posts 50 --response",
    "analyse",
    "preprocess --in FOLDER/raw --out FOLDER/normalised",
];

/// Commands that fail and say so on stderr.
const FAILING: [&str; 8] = [
    "check FOLDER/missing.toml",
    "check FOLDER/wrong.toml",
    "serve --config FOLDER/wrong.toml",
    "serve --config FOLDER/missing.toml",
    "no-such-command",
    "export rankings --database sqlite://FOLDER/missing.db",
    "job list --url http://127.0.0.1:1",
    "eval-entities --data FOLDER/missing",
];

#[test]
fn a_closed_stdout_is_no_failure() {
    let folder = prepared();
    for line in PRINTING {
        let output = run(line, folder.path(), closed_pipe(), Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {said}");
    }
}

#[test]
fn a_command_that_cannot_print_ends_with_a_code_of_its_own() {
    let folder = prepared();
    for line in PRINTING {
        let output = run(line, folder.path(), full(), Stdio::piped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "{line}: {said}");
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{line}: {said}"
        );
    }
}

#[test]
fn a_failing_command_that_cannot_print_exits_with_the_code_of_its_failure() {
    let folder = prepared();
    for line in FAILING {
        for stderr in [closed_pipe(), full()] {
            let output = run(line, folder.path(), Stdio::null(), stderr);
            assert!(
                matches!(output.status.code(), Some(1 | 2)),
                "{line}: {}",
                output.status
            );
        }
    }
}

#[test]
fn progress_that_cannot_be_printed_does_not_end_the_work() {
    let folder = prepared();
    for stderr in [closed_pipe(), full()] {
        let output = run(
            "preprocess --in FOLDER/raw --out FOLDER/normalised",
            folder.path(),
            Stdio::null(),
            stderr,
        );
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_command_that_reads_without_end_ends_with_its_reader() {
    let (input, mut more) = pipe().unwrap();
    let (output, stdout) = pipe().unwrap();
    let mut analyse = Command::new(env!("CARGO_BIN_EXE_weir"))
        .arg("analyse")
        .stdin(input)
        .stdout(stdout)
        .spawn()
        .unwrap();
    drop(output);
    // Fails once the command has ended, and closed its end.
    while more.write_all(b"a line\n").is_ok() {}
    assert_eq!(analyse.wait().unwrap().code(), Some(0));
}

/// A folder with settings that are wrong, and raw files to preprocess.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wrong.toml"), "server.bnd = 1\n").unwrap();
    let raw = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/raw");
    std::os::unix::fs::symlink(raw, folder.path().join("raw")).unwrap();
    folder
}
