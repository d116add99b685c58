//! `weir seed` and `weir migrate-data` as they are typed.

use std::path::Path;
use std::process::{Command, Output};

use super::normalised;

fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env_remove("WEIR_CONFIG")
        .output()
        .unwrap()
}

/// The last line on standard error of a command that must fail with 1.
fn failure(arguments: &[&str]) -> String {
    let output = weir(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said.lines().last().unwrap_or_default().to_owned()
}

fn url(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

#[test]
fn wrong_numbers_and_distributions_end_with_1_and_name_the_flag() {
    let items = normalised();
    for (flag, value, expected) in [
        ("--n-users", "-5", "--n-users -5: expected a number from 1"),
        ("--n-users", "0", "a user pool needs at least 1 user"),
        (
            "--items-per-session",
            "-1",
            "--items-per-session -1: expected a number from 1",
        ),
        (
            "--baseline-sessions-per-day",
            "-1",
            "the baseline of sessions per day must be a positive number",
        ),
        (
            "--activity-distribution",
            "1:2,often:1",
            "--activity-distribution 1:2,often:1: `often:1`: invalid value: must be a positive number",
        ),
        (
            "--activity-distribution",
            "-1:1",
            "--activity-distribution -1:1: `-1:1`: invalid value: must be a positive number",
        ),
        (
            "--activity-distribution",
            "1:0",
            "--activity-distribution 1:0: the weights sum to zero",
        ),
        (
            "--platform-distribution",
            "myspace:1",
            "--platform-distribution myspace:1: `myspace:1`: invalid value",
        ),
        (
            "--platform-distribution",
            "reddit",
            "--platform-distribution reddit: `reddit` is not a value:weight pair",
        ),
    ] {
        let input = items.path().to_str().unwrap();
        let flag = format!("{flag}={value}");
        let said = failure(&["seed", "--in", input, "--dry-run", &flag]);
        assert!(said.starts_with(&format!("weir: {expected}")), "{said}");
    }
}

#[test]
fn a_dry_run_prints_the_plan_and_touches_no_database() {
    let items = normalised();
    let file = items.path().join("weir.db");
    let output = weir(&[
        "seed",
        "--in",
        items.path().to_str().unwrap(),
        "--database",
        &url(&file),
        "--dry-run",
        "--n-users",
        "40",
        "--activity-distribution",
        "1:65,5:15",
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    let words: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        words[0],
        ["platform", "activity", "users", "sessions", "posts"]
    );
    assert_eq!(words[1][..2], ["facebook", "1"]);
    assert_eq!(words.last().unwrap()[..], ["all", "2325"]);
    assert!(!file.exists());
}

#[test]
fn a_seeded_database_is_refused_then_replaced_then_copied() {
    let items = normalised();
    let (file, copy) = (items.path().join("weir.db"), items.path().join("copy.db"));
    let (input, database) = (items.path().to_str().unwrap(), url(&file));
    let seed = [
        "seed",
        "--in",
        input,
        "--database",
        &database,
        "--n-users",
        "40",
    ];
    assert!(weir(&seed).status.success());
    let refusal = failure(&seed);
    assert!(
        refusal.contains("--drop-table") && refusal.contains("--upsert"),
        "{refusal}"
    );
    for flag in ["--drop-table", "--upsert"] {
        let output = weir(&[&seed[..], &[flag]].concat());
        assert!(output.status.success(), "{output:?}");
    }
    let migrate = ["migrate-data", "--from", &database, "--to", &url(&copy)];
    let copied = weir(&migrate);
    let said = String::from_utf8(copied.stdout).unwrap();
    assert!(
        said.starts_with("posts: 2325 rows, 2325 of them copied now, checksum "),
        "{said}"
    );
    let again = String::from_utf8(weir(&migrate).stdout).unwrap();
    assert!(
        again.starts_with("posts: 2325 rows, 0 of them copied now, checksum "),
        "{again}"
    );
}

#[test]
fn a_database_that_cannot_be_written_is_an_error() {
    let items = normalised();
    let input = items.path().to_str().unwrap();
    let in_the_way = url(&items.path().join("facebook.jsonl"));
    let said = failure(&["seed", "--in", input, "--database", &in_the_way]);
    assert!(said.contains("file is not a database"), "{said}");

    let file = items.path().join("weir.db");
    let seed = [
        "seed",
        "--in",
        input,
        "--database",
        &url(&file),
        "--n-users",
        "40",
    ];
    assert!(weir(&seed).status.success());
    let read_only = format!("{}?mode=ro", url(&file));
    let said = failure(&[
        "seed",
        "--in",
        input,
        "--database",
        &read_only,
        "--drop-table",
    ]);
    assert!(
        said.contains("attempt to write a readonly database"),
        "{said}"
    );
    let said = failure(&[
        "seed",
        "--in",
        input,
        "--database",
        "mysql://localhost/weir",
    ]);
    assert!(
        said.contains("sqlite:") && said.contains("postgres:"),
        "{said}"
    );
}

/// Past the limit on the size of its files a write fails, as on a full disk.
#[test]
fn a_disk_that_is_full_while_preprocessing_is_named_and_leaves_nothing() {
    let out = tempfile::tempdir().unwrap();
    let raw = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/raw");
    let limited = r#"trap "" XFSZ; ulimit -f 100; exec "$0" preprocess --in "$1" --out "$2""#;
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_weir"), raw])
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot write") && said.contains(".jsonl.partial: File too large"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}
