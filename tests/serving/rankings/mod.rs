//! What `/rank` decided, as it is kept and exported.

mod answered;
mod export;
mod stored;
mod writing;

use std::process::{Command, Output};

use chrono::TimeDelta;
use serde_json::Value;
use weir::db::{Database, RankingRecord, StoredRanking, TimeRange};
use weir_feed::{Degraded, RankRequest};
use weir_test_support::Weir;

use crate::common::databases::{TestDatabase, database_at};
use crate::common::posts::time;

const BASE: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

const ON: &str = "rankings.enabled = true\nrankings.max_delay = \"20ms\"\n";

/// Everybody is in an arm whose policy has a scorer that always fails.
const BROKEN: &str = "[scorers.broken]\nkind = \"random\"\nfail_rate = 1.0\n\
    [policies.half]\nweights = { broken = 1.0, sentiment = 1.0 }\n\
    [arms.everybody]\nshare = 1.0\npolicy = \"half\"\n";

async fn ready(settings: &str) -> Weir {
    let weir = Weir::start(&format!("{BASE}{settings}"));
    while !weir.log().contains("the database is ready") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    weir
}

fn url(weir: &Weir) -> String {
    format!("sqlite://{}", weir.database_file().display())
}

async fn database(url: &str) -> Database {
    Database::connect(&database_at(url)).await.unwrap()
}

async fn answer(weir: &Weir, feed: &RankRequest) -> Value {
    let response = weir.post("/rank", serde_json::to_vec(feed).unwrap()).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

fn export(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["export", "rankings"])
        .args(arguments)
        .env_remove("WEIR_CONFIG")
        .output()
        .unwrap()
}

fn exported(arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = export(arguments);
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn jsonl(url: &str) -> Vec<Value> {
    let lines = exported(&["--format", "jsonl", "--database", url]);
    let rows = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

async fn rows(database: &Database) -> Vec<StoredRanking> {
    let all = TimeRange::default();
    let mut pages = database.ranking_pages(all, 7).await.unwrap();
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        rows.extend(page);
    }
    rows
}

fn ids(feed: &RankRequest) -> Vec<&str> {
    feed.items.iter().map(|item| item.id.as_str()).collect()
}

/// A ranking of so many milliseconds after the beginning of 2026-11-24.
fn ranking(after_ms: i64) -> RankingRecord {
    RankingRecord {
        at: time("2026-11-24T00:00:00Z") + TimeDelta::milliseconds(after_ms),
        session_id: format!("page {after_ms}, \"quoted\"\n"),
        user_id: "ann\\".to_owned(),
        platform: "reddit".to_owned(),
        arm: (after_ms % 2 == 0).then(|| "even".to_owned()),
        policy: "calm".to_owned(),
        config_version: "00ff".into(),
        intervention_on: after_ms % 3 == 0,
        prefetch: after_ms % 5 == 0,
        degraded: vec![Degraded {
            part: "sentiment".into(),
            missed: 2,
            why: "timeout".into(),
        }],
        ids_sent: vec![format!("é{after_ms}"), "b,\"c\"\nd".to_owned()],
        ids_returned: vec!["b,\"c\"\nd".to_owned(), format!("é{after_ms}")],
        took_ms: 0.1 + f64::from(u16::try_from(after_ms).unwrap()),
    }
}

async fn store(data: &TestDatabase, many: i64) -> Vec<RankingRecord> {
    let rankings: Vec<_> = (0..many).map(ranking).collect();
    let outcome = data.database.insert_rankings(&rankings).await.unwrap();
    assert!(outcome.rejected.is_empty(), "{outcome:?}");
    rankings
}
