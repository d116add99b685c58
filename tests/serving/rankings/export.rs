//! `weir export rankings`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{export, exported, jsonl, store};
use crate::common::databases::{TestDatabase, on_both_databases};

on_both_databases! {
    what_is_stored_is_exported_in_both_formats,
    export_respects_bounds_and_writes_a_file,
}

async fn what_is_stored_is_exported_in_both_formats(data: TestDatabase) {
    let stored = store(&data, 1_203).await;
    let url = data.settings.url.expose();
    let expected: Vec<Value> = (1..)
        .zip(&stored)
        .map(|(id, ranking)| {
            let mut row = serde_json::to_value(ranking).unwrap();
            row["id"] = json!(id);
            row
        })
        .collect();
    assert_eq!(jsonl(url), expected);

    let csv = exported(&["--format", "csv", "--database", url]);
    let mut read = csv::Reader::from_reader(csv.as_bytes());
    let names: Vec<_> = read.headers().unwrap().iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in read.records() {
        let record = record.unwrap();
        let row = names.iter().zip(&record).map(|(name, field)| {
            let value = match name.as_str() {
                "id" | "intervention_on" | "prefetch" | "took_ms" | "degraded" | "ids_sent"
                | "ids_returned" => serde_json::from_str(field).unwrap(),
                "arm" if field.is_empty() => Value::Null,
                _ => json!(field),
            };
            (name.clone(), value)
        });
        rows.push(Value::Object(row.collect()));
    }
    assert_eq!(rows, expected);
}

async fn export_respects_bounds_and_writes_a_file(data: TestDatabase) {
    let stored = store(&data, 1_000).await;
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rankings.jsonl");
    let out = file.to_str().unwrap();
    let written = exported(&[
        "--format",
        "jsonl",
        "--from",
        "2026-11-24T00:00:00.250Z",
        "--to",
        "2026-11-24 00:00:00.500",
        "--out",
        out,
        "--database",
        data.settings.url.expose(),
    ]);
    assert_eq!(written, "");
    let lines = std::fs::read_to_string(&file).unwrap();
    let at = |line: &str| serde_json::from_str::<Value>(line).unwrap()["at"].clone();
    let times: Vec<_> = lines.lines().map(at).collect();
    let expected: Vec<_> = stored[250..500].iter().map(|row| json!(row.at)).collect();
    assert_eq!(times, expected);

    let days = ["--from", "2026-11-25", "--format", "jsonl", "--database"];
    let none = exported(&[&days[..], &[data.settings.url.expose()]].concat());
    assert_eq!(none, "");
}

#[tokio::test]
async fn a_closed_pipe_is_no_failure() {
    let data = TestDatabase::sqlite().await;
    store(&data, 5_000).await;
    for format in ["csv", "jsonl"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(["export", "rankings", "--format", format, "--database"])
            .arg(data.settings.url.expose())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_database_that_is_absent_is_named_and_not_made() {
    let file = Path::new("no/such.db");
    let output = export(&["--database", "sqlite://no/such.db"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("there is no database no/such.db"), "{said}");
    assert!(!file.exists());
}

#[test]
fn invalid_and_reversed_times_are_refused() {
    let output = export(&["--from", "yesterday"]);
    assert_eq!(output.status.code(), Some(2));
    let database = ["--database", "sqlite://no/such.db"];
    let output = export(
        &[
            &["--from", "2026-11-25", "--to", "2026-11-24"],
            &database[..],
        ]
        .concat(),
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--from must be before --to"), "{said}");
}
