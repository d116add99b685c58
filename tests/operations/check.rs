//! `weir check` and `weir config`, as a shell sees them.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::{fs, io};

use tempfile::TempDir;

fn weir_check() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.arg("check");
    command.env_remove("WEIR_CONFIG");
    command
}

fn settings_file(folder: &TempDir, text: &str) -> io::Result<PathBuf> {
    let path = folder.path().join("weir.toml");
    fs::write(&path, text)?;
    Ok(path)
}

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text)
        .lines()
        .map(str::to_owned)
        .collect()
}

fn assert_refused(output: &Output, expected: &[String]) {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert_eq!(lines(&output.stderr), expected);
}

#[test]
fn good_settings_get_one_line_and_exit_code_0() {
    let folder = TempDir::new().unwrap();
    let file = settings_file(&folder, "[server]\nbind = \"127.0.0.1:9\"").unwrap();
    let output = weir_check().arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output.stdout).len(), 1);
    assert!(lines(&output.stdout)[0].ends_with("listens on 127.0.0.1:9"));
}

#[test]
fn everything_wrong_in_file_and_environment_gets_a_line_and_exit_code_1() {
    let folder = TempDir::new().unwrap();
    let file = settings_file(&folder, "[server]\nbnd = 1\n[ranking]\npolicy = \"clam\"\n").unwrap();
    let output = weir_check()
        .arg(&file)
        .env("WEIR__POOLS__JOBS__WORKERS", "0")
        .output()
        .unwrap();
    let file = file.display();
    assert_refused(
        &output,
        &[
            format!("{file}:2:1: server.bnd: unknown key; did you mean bind?"),
            format!("{file}:4:1: ranking.policy: there is no policy clam; did you mean calm?"),
            "WEIR__POOLS__JOBS__WORKERS: pools.jobs.workers: expected 1 to 1024, found 0"
                .to_owned(),
        ],
    );
}

#[test]
fn without_an_argument_the_file_is_the_one_that_weir_config_names() {
    let folder = TempDir::new().unwrap();
    let file = settings_file(&folder, "data_dir = 1\n").unwrap();
    let output = weir_check().env("WEIR_CONFIG", &file).output().unwrap();
    assert_refused(
        &output,
        &[format!(
            "{}:1:1: data_dir: expected a string, found 1",
            file.display()
        )],
    );
}

#[test]
fn the_argument_goes_before_weir_config() {
    let folder = TempDir::new().unwrap();
    let file = settings_file(&folder, "").unwrap();
    let output = weir_check()
        .arg(&file)
        .env("WEIR_CONFIG", "/no/such/file")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let output = weir_check().arg("/no/such/file").output().unwrap();
    let line =
        "weir: cannot read the settings from /no/such/file: No such file or directory (os error 2)";
    assert_refused(&output, &[line.to_owned()]);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let value = std::ffi::OsStr::from_bytes(b"\xff");
    let output = weir_check()
        .env("WEIR__STORE__PREFIX", value)
        .output()
        .unwrap();
    assert_refused(
        &output,
        &["WEIR__STORE__PREFIX: store.prefix: is not Unicode".to_owned()],
    );
}

fn weir_config_migrate(file: &PathBuf, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(["config", "migrate"]).arg(file).args(options);
    command.output().unwrap()
}

#[test]
fn an_old_name_is_a_warning_and_config_migrate_rewrites_it() {
    let folder = TempDir::new().unwrap();
    let before = "[ranking]\ndeadline_ms = 250 # short\n";
    let file = settings_file(&folder, before).unwrap();
    let name = file.display();
    let change = format!(
        "{name}:2:1: ranking.deadline_ms: renamed to ranking.deadline, which is text with a unit"
    );

    let checked = weir_check().arg(&file).output().unwrap();
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(lines(&checked.stderr), [format!("warning: {change}")]);

    for option in ["--check", "--dry-run"] {
        let shown = weir_config_migrate(&file, &[option]);
        assert_eq!(shown.status.code(), Some(1));
        assert_eq!(
            lines(&shown.stdout),
            [change.clone(), format!("{name} is unchanged")]
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), before);
    }

    let rewritten = weir_config_migrate(&file, &[]);
    assert_eq!(rewritten.status.code(), Some(0));
    assert_eq!(
        lines(&rewritten.stdout),
        [change, format!("{name} is rewritten")]
    );
    let after = "[ranking]\ndeadline = \"250ms\" # short\n";
    assert_eq!(fs::read_to_string(&file).unwrap(), after);

    let again = weir_config_migrate(&file, &[]);
    assert_eq!(lines(&again.stdout), [format!("{name} needs no change")]);
    assert_eq!(again.status.code(), Some(0));
}
