//! What `/rank` decided, as it is kept and exported.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::databases::{TestDatabase, database_at, on_both_databases, sql};
use crate::common::postgres::Postgres;
use crate::common::posts::time;
use crate::common::weir::{Weir, feed_of};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use weir::db::{Database, KeptRanking, StoredRanking, TimeRange, transfer};
use weir_feed::{Degraded, RankRequest};

const BASE: &str = "results.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";
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
fn ranking(after_ms: i64) -> KeptRanking {
    KeptRanking {
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

async fn store(data: &TestDatabase, many: i64) -> Vec<KeptRanking> {
    let rankings: Vec<_> = (0..many).map(ranking).collect();
    let outcome = data.database.insert_rankings(&rankings).await.unwrap();
    assert!(outcome.rejected.is_empty(), "{outcome:?}");
    rankings
}

/// What a real server answers to a feed is exactly what is exported, on the database of this URL.
async fn is_exported_as_answered(database_url: Option<String>) {
    let elsewhere = database_url
        .as_ref()
        .map(|url| format!("database.url = {url:?}\n"));
    let settings = format!("{}{ON}{BROKEN}", elsewhere.unwrap_or_default());
    let weir = ready(&settings).await;
    let database_url = database_url.unwrap_or_else(|| url(&weir));
    let mut feed = feed_of(&["I hate this horrible war", "I love this wonderful day"]);
    "a\"b\\c é\u{1F600}".clone_into(&mut feed.items[0].id);
    let before = Utc::now().trunc_subsecs(3);
    let first = answer(&weir, &feed).await;
    feed.session.prefetch = Some(true);
    let second = answer(&weir, &feed).await;
    weir.counted("ranking_log", "rows", 2).await;
    let after = Utc::now();

    let kept = jsonl(&database_url);
    let version = weir.when("/actors", |_| true).await["config_version"].clone();
    assert_eq!(version.as_str().unwrap().len(), 16);
    assert_eq!(kept.len(), 2);
    for (row, (answer, prefetch)) in kept.iter().zip([(&first, false), (&second, true)]) {
        let metadata = &answer["metadata"];
        assert_eq!(metadata["degraded"][0]["part"], "broken");
        assert_eq!(row["degraded"], metadata["degraded"]);
        assert_eq!(row["ids_returned"], answer["ranked_ids"]);
        assert_eq!(row["ids_sent"], json!(ids(&feed)));
        assert_eq!(
            (&row["arm"], &row["policy"]),
            (&metadata["arm"], &metadata["policy"])
        );
        assert_eq!(
            (&row["arm"], &row["policy"]),
            (&json!("everybody"), &json!("half"))
        );
        assert_eq!(row["intervention_on"], metadata["intervention_on"]);
        assert_eq!(row["prefetch"], prefetch);
        assert_eq!(row["session_id"], feed.session.session_id);
        assert_eq!(row["user_id"], feed.session.user_id);
        assert_eq!(row["platform"], "reddit");
        assert_eq!(row["config_version"], version);
        let at: DateTime<Utc> = row["at"].as_str().unwrap().parse().unwrap();
        assert!(before <= at && at <= after, "{before} {at} {after}");
        let took_ms = row["took_ms"].as_f64().unwrap();
        let most_ms = (after - before).num_milliseconds() + 1;
        assert!(took_ms > 0.0 && took_ms < most_ms as f64, "{took_ms}");
    }
}

#[tokio::test]
async fn what_was_answered_is_what_is_exported_from_sqlite() {
    is_exported_as_answered(None).await;
}

#[tokio::test]
async fn what_was_answered_is_what_is_exported_from_postgres() {
    is_exported_as_answered(Some(Postgres::shared().fresh_database())).await;
}

#[tokio::test]
async fn a_blind_answer_is_kept_with_all_its_reasons() {
    let weir = ready(&format!("ranking.metadata = \"minimal\"\n{ON}{BROKEN}")).await;
    let answer = answer(&weir, &feed_of(&["one", "two"])).await;
    assert_eq!(answer["metadata"], json!({"intervention_on": true}));
    weir.counted("ranking_log", "rows", 1).await;
    let row = &jsonl(&url(&weir))[0];
    assert_eq!(
        (&row["arm"], &row["policy"]),
        (&json!("everybody"), &json!("half"))
    );
    assert_eq!(row["degraded"][0]["part"], "broken");
}

#[tokio::test]
async fn an_edit_of_what_ranks_gives_another_version_and_another_edit_none() {
    let weir = ready(ON).await;
    let feed = feed_of(&["one"]);
    answer(&weir, &feed).await;
    weir.edit(&format!("{BASE}{ON}ranking.policy = \"calm\"\n"));
    weir.counted("config_watcher", "taken", 1).await;
    weir.when("/actors", |_| true).await;
    while answer(&weir, &feed).await["metadata"]["policy"] != "calm" {}
    weir.edit(&format!(
        "{BASE}{ON}ranking.policy = \"calm\"\nlog.filter = \"debug\"\n"
    ));
    weir.counted("config_watcher", "taken", 2).await;
    answer(&weir, &feed).await;
    weir.counts("ranking_log", "waiting", 0).await;
    let mut versions: Vec<_> = jsonl(&url(&weir))
        .iter()
        .map(|row| (row["policy"].to_string(), row["config_version"].to_string()))
        .collect();
    versions.dedup();
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_ne!(versions[0].1, versions[1].1);
}

#[tokio::test]
async fn a_full_queue_costs_rankings_and_no_answer() {
    let weir = ready(&format!("{ON}rankings.queue = 3\nrankings.batch = 1\n")).await;
    let database = database(&url(&weir)).await;
    let lock = database.begin().await.unwrap();
    for _ in 0..8 {
        answer(&weir, &feed_of(&["one"])).await;
    }
    weir.counts("ranking_log", "queue_full", 5).await;
    weir.counts("ranking_log", "rows", 0).await;
    lock.commit().await.unwrap();
    weir.counts("ranking_log", "rows", 3).await;
    weir.counts("ranking_log", "waiting", 0).await;
    assert_eq!(rows(&database).await.len(), 3);
}

#[tokio::test]
async fn rankings_wait_while_the_database_is_away() {
    let postgres = Postgres::start();
    let settings = format!("{ON}database.url = {:?}\n", postgres.url());
    let weir = ready(&settings).await;
    let mut feed = feed_of(&["one"]);
    let mut users = vec!["before", "away 1", "away 2", "after"];
    let rank_for = async |feed: &mut RankRequest, user: &str| {
        user.clone_into(&mut feed.session.user_id);
        answer(&weir, feed).await;
    };
    rank_for(&mut feed, users[0]).await;
    weir.counts("ranking_log", "rows", 1).await;
    postgres.crash();
    rank_for(&mut feed, users[1]).await;
    rank_for(&mut feed, users[2]).await;
    while !weir.log().contains("rankings wait for the database") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    weir.counts("ranking_log", "waiting", 2).await;
    postgres.start_again();
    rank_for(&mut feed, users[3]).await;
    weir.counts("ranking_log", "rows", 4).await;
    let kept = rows(&database(&postgres.url()).await).await;
    let mut kept: Vec<_> = kept
        .iter()
        .map(|row| row.ranking.user_id.as_str())
        .collect();
    kept.sort_unstable();
    users.sort_unstable();
    assert_eq!(kept, users);
}

#[tokio::test]
async fn a_table_that_is_gone_costs_rankings_and_no_answer() {
    let weir = ready(ON).await;
    sql(&database(&url(&weir)).await, "DROP TABLE rankings").await;
    answer(&weir, &feed_of(&["one"])).await;
    weir.counts("ranking_log", "failed", 1).await;
    weir.counts("ranking_log", "waiting", 0).await;
    let output = export(&["--database", &url(&weir)]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no table rankings"), "{said}");
}

#[tokio::test]
async fn old_rankings_are_deleted_and_young_ones_stay() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("posts.db").display());
    let database = database(&url).await;
    database.migrate().await.unwrap();
    let aged = |days| KeptRanking {
        at: (Utc::now() - TimeDelta::days(days)).trunc_subsecs(3),
        ..ranking(days)
    };
    let old = (0..1_200).map(|_| aged(11));
    let rankings: Vec<_> = old.chain([aged(9), aged(0)]).collect();
    database.insert_rankings(&rankings).await.unwrap();

    let weir = ready(&format!(
        "{ON}rankings.keep = \"10d\"\ndatabase.url = {url:?}\n"
    ))
    .await;
    weir.counts("ranking_log", "pruned", 1_200).await;
    let kept = rows(&database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!(kept, rankings[1_200..]);
}

#[tokio::test]
async fn a_stop_writes_what_waits() {
    let mut weir = ready("rankings.enabled = true\nrankings.max_delay = \"1h\"\n").await;
    for _ in 0..20 {
        answer(&weir, &feed_of(&["one"])).await;
    }
    weir.counts("ranking_log", "rows", 0).await;
    assert_eq!(weir.stop(), Some(0));
    assert_eq!(jsonl(&url(&weir)).len(), 20);
}

#[tokio::test]
async fn a_full_batch_does_not_wait() {
    let settings = "rankings.enabled = true\nrankings.max_delay = \"1h\"\nrankings.batch = 3\n";
    let weir = ready(settings).await;
    // The first look, at the start, may find some of them.
    for _ in 0..5 {
        answer(&weir, &feed_of(&["one"])).await;
    }
    weir.counted("ranking_log", "rows", 3).await;
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let mut weir = ready("").await;
    answer(&weir, &feed_of(&["one"])).await;
    let actors = weir.when("/actors", |_| true).await;
    assert!(!actors.to_string().contains("ranking_log"));
    assert_eq!(weir.stop(), Some(0));
    assert!(jsonl(&url(&weir)).is_empty());
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

async fn bounds_and_a_file_are_heeded(data: TestDatabase) {
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

async fn text_that_a_database_refuses_spoils_no_batch(data: TestDatabase) {
    let mut awkward = ranking(1);
    "a\0b".clone_into(&mut awkward.session_id);
    awkward.ids_sent = vec!["\0".to_owned(), "c".to_owned()];
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let refused = KeptRanking {
        // Longer than Postgres can index, packed or not.
        user_id: (0..10_000).map(|_| rng.random_range('a'..='z')).collect(),
        // SQLite takes it for null.
        took_ms: f64::NAN,
        ..ranking(2)
    };
    let batch = [ranking(0), awkward, refused, ranking(3)];
    let outcome = data.database.insert_rankings(&batch).await.unwrap();
    let rejected: Vec<_> = outcome.rejected.iter().map(|row| row.index).collect();
    assert_eq!((outcome.inserted, rejected), (3, vec![2]));
    let kept = rows(&data.database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!((&kept[0], &kept[2]), (&ranking(0), &ranking(3)));
    assert_eq!(kept[1].session_id, "a\u{FFFD}b");
    assert_eq!(kept[1].ids_sent, ["\u{FFFD}", "c"]);
}

async fn only_what_is_older_is_deleted(data: TestDatabase) {
    let stored = store(&data, 10).await;
    let before = stored[6].at;
    let delete = || data.database.delete_rankings_before(before, 4);
    assert_eq!(delete().await.unwrap(), 4);
    assert_eq!(delete().await.unwrap(), 2);
    assert_eq!(delete().await.unwrap(), 0);
    let kept = rows(&data.database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!(kept, stored[6..]);
}

on_both_databases! {
    what_is_stored_is_exported_in_both_formats,
    bounds_and_a_file_are_heeded,
    text_that_a_database_refuses_spoils_no_batch,
    only_what_is_older_is_deleted,
}

#[tokio::test]
async fn rankings_are_copied_between_databases() {
    let (first, postgres, last) = (
        TestDatabase::sqlite().await,
        TestDatabase::postgres().await,
        TestDatabase::sqlite().await,
    );
    store(&first, 1_100).await;
    for (from, to) in [(&first, &postgres), (&postgres, &last)] {
        let copied = transfer(&from.settings, &to.database, |_, _, _| ()).await;
        let copied = copied.unwrap();
        let rankings = copied
            .iter()
            .find(|table| table.table == "rankings")
            .unwrap();
        assert_eq!((rankings.rows, rankings.written), (1_100, 1_100));
        assert_eq!(rows(&from.database).await, rows(&to.database).await);
    }
    last.database.insert_rankings(&[ranking(0)]).await.unwrap();
    assert_eq!(rows(&last.database).await.last().unwrap().id, 1_101);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
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
fn times_that_are_none_or_the_wrong_way_round_are_refused() {
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
