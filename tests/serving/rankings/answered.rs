//! Records of what a running server answered.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;
use weir_test_support::{Postgres, feed_of};

use super::{BASE, BROKEN, ON, answer, ids, jsonl, ready, url};

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
    weir.counted("decision_log", "rows", 2).await;
    let after = Utc::now();

    let kept = jsonl(&database_url);
    let version = weir.when("/actors", |_| true).await["config_version"].clone();
    assert_eq!(version.as_str().unwrap().len(), 64);
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
async fn a_blind_answer_is_recorded_with_all_its_reasons() {
    let weir = ready(&format!("ranking.metadata = \"minimal\"\n{ON}{BROKEN}")).await;
    let answer = answer(&weir, &feed_of(&["one", "two"])).await;
    assert_eq!(answer["metadata"], json!({"intervention_on": true}));
    weir.counted("decision_log", "rows", 1).await;
    let row = &jsonl(&url(&weir))[0];
    assert_eq!(
        (&row["arm"], &row["policy"]),
        (&json!("everybody"), &json!("half"))
    );
    assert_eq!(row["degraded"][0]["part"], "broken");
}

#[tokio::test]
async fn only_an_edit_that_affects_ranking_changes_the_config_version() {
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
    weir.counts("decision_log", "waiting", 0).await;
    let mut versions: Vec<_> = jsonl(&url(&weir))
        .iter()
        .map(|row| (row["policy"].to_string(), row["config_version"].to_string()))
        .collect();
    versions.dedup();
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_ne!(versions[0].1, versions[1].1);
}

#[tokio::test]
async fn nothing_is_recorded_unless_enabled() {
    let mut weir = ready("").await;
    answer(&weir, &feed_of(&["one"])).await;
    let actors = weir.when("/actors", |_| true).await;
    assert!(!actors.to_string().contains("decision_log"));
    assert_eq!(weir.stop(), Some(0));
    assert!(jsonl(&url(&weir)).is_empty());
}
