//! The command line of programs: `weir check --programs`, `weir program`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use weir_test_support::Weir;

const SCORER: &str = r#"
import weir

@weir.scorer(outputs=["length", "words"])
def length(items):
    return [(len(item.text), len(item.text.split())) for item in items]

@weir.job
def topics(n: int = 3) -> dict:
    return {}
"#;

const SETTINGS: &str = r#"
store.backend = "embedded"
schedules.top_named_entities.enabled = false
[scorers.length]
kind = "program"
program = "mine"
outputs = ["length", "words"]
"#;

fn folder_with(code: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.py"), code).unwrap();
    folder
}

fn package() -> String {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    package.to_str().unwrap().to_owned()
}

fn settings(folder: &TempDir) -> String {
    let file = folder.path().join("mine.py");
    let file = file.display();
    format!("{SETTINGS}[programs.mine]\npython = \"{file}\"\n")
}

fn weir(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("PYTHONPATH", package())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_check_starts_each_program_and_says_what_it_has() {
    let folder = folder_with(SCORER);
    let config = folder.path().join("weir.toml");
    fs::write(&config, settings(&folder)).unwrap();
    let checked = weir(&["check", "--programs", config.to_str().unwrap()]);
    let said = text(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", text(&checked.stderr));
    for expected in [
        "program mine: ready in ",
        " MiB, version ",
        "scorer length: length, words; reads text, title",
        "job topics",
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_check_names_what_keeps_a_program_from_starting() {
    let folder = folder_with("import nothing_like_this\n");
    let config = folder.path().join("weir.toml");
    fs::write(&config, settings(&folder)).unwrap();
    let checked = weir(&["check", "--programs", config.to_str().unwrap()]);
    assert_eq!(checked.status.code(), Some(1));
    let said = text(&checked.stderr);
    assert!(said.contains("programs.mine: "), "{said}");
    assert!(said.contains("nothing_like_this"), "{said}");
}

#[test]
fn a_python_program_follows_every_rule_of_the_protocol() {
    let folder = folder_with(SCORER);
    let file = folder.path().join("mine.py");
    let file = file.to_str().unwrap();
    let tested = weir(&[
        "program",
        "test",
        "--",
        "python3",
        "-m",
        "weir.worker",
        file,
    ]);
    let said = text(&tested.stdout);
    assert!(tested.status.success(), "{said}{}", text(&tested.stderr));
    assert!(said.lines().count() > 8, "{said}");
}

#[test]
fn a_program_that_breaks_rules_is_told_which() {
    let tested = weir(&["program", "test", "--", "cat"]);
    assert_eq!(tested.status.code(), Some(1));
    let said = text(&tested.stdout);
    assert!(
        said.starts_with("broken  it starts, and its response to initialize fits: "),
        "{said}"
    );
}

#[tokio::test]
async fn programs_of_a_running_server_are_listed_and_reloaded() {
    let folder = folder_with(SCORER);
    let server = Weir::start(&settings(&folder));
    let is_serving = |programs: &serde_json::Value| {
        let processes = &programs["programs"][0]["processes"];
        processes[0]["state"] == "serving" && processes[1]["state"] == "serving"
    };
    server.when("/v1/programs", is_serving).await;
    let (url, key) = (server.url(""), server.key());
    let talk = |action: &[&str]| {
        let options = ["--url", url.as_str(), "--key", key.as_str()];
        weir(&[&["program"], action, &options[..]].concat())
    };
    let listed = talk(&["list"]);
    let said = text(&listed.stdout);
    assert!(
        said.starts_with("mine  scorer  version "),
        "{said}{}",
        text(&listed.stderr)
    );
    assert_eq!(said.matches("  serving  pid ").count(), 2, "{said}");

    let reloaded = talk(&["reload", "mine"]);
    assert!(reloaded.status.success(), "{}", text(&reloaded.stderr));
    fs::write(folder.path().join("mine.py"), "raise KeyError('x')").unwrap();
    let reloaded = talk(&["reload", "mine"]);
    assert!(!reloaded.status.success());
    assert!(
        text(&reloaded.stderr).contains("KeyError"),
        "{}",
        text(&reloaded.stderr)
    );

    let config = server.config();
    let logs = weir(&[
        "program",
        "logs",
        "mine",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert!(
        text(&logs.stdout).contains("KeyError"),
        "{}",
        text(&logs.stderr)
    );
}
