//! `weir job`, `weir schedule` and `weir demo`.

use serde_json::{Value, json};
use weir_test_support::Weir;

use super::embedded;

/// Runs the command line against `weir`; what it prints, and whether it ended well.
fn cli(weir: &Weir, arguments: &[&str]) -> (String, bool) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env("WEIR_URL", weir.url(""))
        .env("WEIR_KEY", weir.key())
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).unwrap(), output.status.success())
}

#[tokio::test]
async fn the_command_line_runs_lists_cancels_and_retries_jobs() {
    let weir = embedded(
        "[schedules.yearly]\njob = \"program\"\ncron = \"@yearly\"\nargs = { program = \"echo\", args = 1 }",
    );
    let echo = "{\"program\": \"echo\", \"args\": [7]}";
    let (printed, well) = cli(&weir, &["job", "run", "program", "--args", echo, "--wait"]);
    assert_eq!(
        (serde_json::from_str(&printed).ok(), well),
        (Some(json!([7])), true)
    );

    let fail = "{\"program\": \"fail\"}";
    let (printed, well) = cli(&weir, &["job", "run", "program", "--args", fail, "--wait"]);
    assert!(!well && printed.contains("no such luck"), "{printed}");
    let (dead, _) = cli(&weir, &["job", "list", "--state", "dead"]);
    let id = dead.split(' ').next().unwrap();
    assert_eq!(dead.lines().count(), 1, "{dead}");
    let (printed, well) = cli(&weir, &["job", "retry", id]);
    assert!(well && printed.contains("queued"), "{printed}");
    weir.finished(id).await;

    let (waiting, _) = cli(
        &weir,
        &["job", "run", "post_statistics", "--delay-ms", "600000"],
    );
    let (printed, well) = cli(&weir, &["job", "cancel", waiting.trim()]);
    assert!(well && printed.contains("cancelled"), "{printed}");
    let (printed, _) = cli(&weir, &["job", "show", waiting.trim()]);
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(shown["state"], "cancelled");
    let (printed, well) = cli(
        &weir,
        &["job", "run", "prune_posts", "--args", "{\"older_than\": 3}"],
    );
    assert!(!well && printed.contains("args.older_than"), "{printed}");

    let (printed, _) = cli(&weir, &["schedule", "list"]);
    assert!(
        printed.starts_with("yearly  program  cron 0 0 1 1 * in UTC"),
        "{printed}"
    );
    let (printed, well) = cli(&weir, &["schedule", "run", "yearly", "--wait"]);
    assert_eq!((printed.trim(), well), ("1", true));

    let (printed, well) = cli(&weir, &["demo"]);
    assert!(
        well && printed.matches("from its key").count() == 3,
        "{printed}"
    );
    assert!(printed.contains("{\"total_rows\":0}"), "{printed}");
    let (printed, well) = cli(&weir, &["job", "list", "--url", "http://127.0.0.1:1"]);
    assert!(!well && printed.contains("no weir answers"), "{printed}");
}
