//! When records are written and deleted, and what a failing database costs.

use chrono::{SubsecRound, TimeDelta, Utc};
use tempfile::TempDir;
use weir::db::RankingRecord;
use weir_feed::RankRequest;
use weir_test_support::{Postgres, feed_of};

use super::{ON, answer, database, export, jsonl, ranking, ready, rows, url};
use crate::common::databases::sql;

#[tokio::test]
async fn a_full_queue_costs_records_and_no_answer() {
    let weir = ready(&format!("{ON}rankings.queue = 3\nrankings.batch = 1\n")).await;
    let database = database(&url(&weir)).await;
    let lock = database.begin().await.unwrap();
    for _ in 0..8 {
        answer(&weir, &feed_of(&["one"])).await;
    }
    weir.counts("decision_log", "queue_full", 5).await;
    weir.counts("decision_log", "rows", 0).await;
    lock.commit().await.unwrap();
    weir.counts("decision_log", "rows", 3).await;
    weir.counts("decision_log", "waiting", 0).await;
    assert_eq!(rows(&database).await.len(), 3);
}

#[tokio::test]
async fn records_wait_while_the_database_is_unavailable() {
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
    weir.counts("decision_log", "rows", 1).await;
    postgres.crash();
    rank_for(&mut feed, users[1]).await;
    rank_for(&mut feed, users[2]).await;
    while !weir.log().contains("rankings wait for the database") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    weir.counts("decision_log", "waiting", 2).await;
    postgres.start_again();
    rank_for(&mut feed, users[3]).await;
    weir.counts("decision_log", "rows", 4).await;
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
async fn a_missing_table_costs_records_and_no_answer() {
    let weir = ready(ON).await;
    sql(&database(&url(&weir)).await, "DROP TABLE rankings").await;
    answer(&weir, &feed_of(&["one"])).await;
    weir.counts("decision_log", "failed", 1).await;
    weir.counts("decision_log", "waiting", 0).await;
    let output = export(&["--database", &url(&weir)]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no table rankings"), "{said}");
}

#[tokio::test]
async fn old_records_are_deleted_and_recent_ones_stay() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("posts.db").display());
    let database = database(&url).await;
    database.migrate().await.unwrap();
    let aged = |days| RankingRecord {
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
    weir.counts("decision_log", "pruned", 1_200).await;
    let kept = rows(&database).await;
    let kept: Vec<_> = kept.into_iter().map(|row| row.ranking).collect();
    assert_eq!(kept, rankings[1_200..]);
}

#[tokio::test]
async fn a_stop_writes_pending_records() {
    let mut weir = ready("rankings.enabled = true\nrankings.max_delay = \"1h\"\n").await;
    // The first look, at the start, may find some of them.
    for _ in 0..40 {
        answer(&weir, &feed_of(&["one"])).await;
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let waiting = weir.counters("decision_log").await["waiting"].clone();
    assert!(waiting.as_u64() > Some(0), "{waiting}");
    assert_eq!(weir.stop(), Some(0));
    assert_eq!(jsonl(&url(&weir)).len(), 40);
}

#[tokio::test]
async fn a_full_batch_does_not_wait() {
    let settings = "rankings.enabled = true\nrankings.max_delay = \"1h\"\nrankings.batch = 3\n";
    let weir = ready(settings).await;
    // The first look, at the start, may find some of them.
    for _ in 0..5 {
        answer(&weir, &feed_of(&["one"])).await;
    }
    weir.counted("decision_log", "rows", 3).await;
}
