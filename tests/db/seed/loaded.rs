//! Rows of a loaded seed.

use std::fs;

use weir::db::OnExisting;
use weir::db::post::Model;
use weir_lab::{Impression, LabError, Progress, Seed};

use super::{cohort, item, normalised, rows, run, run_on_existing, seed};
use crate::common::databases::{TestDatabase, on_both_databases, shared_data, sql};
use crate::common::posts::time;

on_both_databases! {
    a_single_users_impressions_become_rows_in_their_order,
    a_cohorts_impressions_become_rows_in_their_order,
}

async fn a_single_users_impressions_become_rows_in_their_order(data: TestDatabase) {
    let items = normalised();
    rows_are_the_impressions(seed(items.path()), &data).await;
}

async fn a_cohorts_impressions_become_rows_in_their_order(data: TestDatabase) {
    let items = normalised();
    rows_are_the_impressions(cohort(items.path(), 40), &data).await;
}

async fn rows_are_the_impressions(seed: Seed, data: &TestDatabase) {
    let mut impressions = Vec::new();
    let prepared = seed.prepare(&Progress::hidden()).unwrap();
    let plan = prepared.plan().clone();
    let reports = prepared
        .for_each_impression(&Progress::hidden(), |impression| {
            impressions.push(impression);
            Ok::<_, LabError>(())
        })
        .unwrap();
    let loaded = run(seed, data).await.unwrap();
    assert_eq!((loaded.plan, loaded.reports), (plan, reports));
    let rows = rows(data).await;
    assert!(rows.len() > 2_000);
    assert_eq!(rows.len(), impressions.len());
    for ((id, row), impression) in (1..).zip(rows).zip(impressions) {
        let Impression {
            platform,
            user_id,
            session_timestamp,
            item: shown,
        } = impression;
        assert_eq!(item(&row), serde_json::to_value(&shown).unwrap());
        let expected = Model {
            id,
            post_id: Some(shown.id),
            session_timestamp: Some(session_timestamp),
            session_user_id: Some(user_id),
            platform: Some(platform.as_str().to_owned()),
            kind: Some(shown.kind.as_str().to_owned()),
            author_name_hash: Some(shown.author_name_hash),
            created_at: Some(shown.created_at),
            post_blob: row.post_blob.clone(),
        };
        assert_eq!(row, expected);
    }
}

#[tokio::test]
async fn an_invalid_line_in_the_second_pass_leaves_the_table_empty() {
    let data = TestDatabase::sqlite().await;
    let folder = tempfile::tempdir().unwrap();
    let good = r#"{"id":"1","text":"t","author_name_hash":"a","type":"post","created_at":"2020-01-01","engagements":{"like":1,"retweet":0,"comment":0,"share":0}}"#;
    // The first pass reads no more than the id.
    let bad = r#"{"id":"2","text":7}"#;
    fs::write(
        folder.path().join("twitter.jsonl"),
        format!("{good}\n{bad}\n"),
    )
    .unwrap();
    let error = run(seed(folder.path()), &data).await.unwrap_err();
    assert!(
        error.to_string().contains("twitter.jsonl, line 2"),
        "{error}"
    );
    assert!(rows(&data).await.is_empty());
}

/// A database that grows to no more than this many pages is a full disk to SQLite.
#[tokio::test]
async fn a_full_disk_ends_the_seed_and_leaves_the_posts_that_were_there() {
    let (items, data) = (normalised(), TestDatabase::sqlite().await);
    run(cohort(items.path(), 40), &data).await.unwrap();
    let before = rows(&data).await.len();
    sql(&data.database, "PRAGMA max_page_count = 1").await;
    let seed = Seed {
        now: time("2027-01-01T00:00:00Z"),
        ..cohort(items.path(), 41)
    };
    let error = run_on_existing(OnExisting::Replace, seed, &data).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("database or disk is full"), "{error}");
    assert_eq!(rows(&data).await.len(), before);
}

#[tokio::test]
async fn the_tables_of_real_items_are_loaded_except_for_their_broken_row() {
    let Some(folder) = shared_data() else {
        return;
    };
    let data = TestDatabase::sqlite().await;
    let loaded = run(seed(&folder), &data).await.unwrap();
    let counts: Vec<_> = loaded
        .reports
        .iter()
        .map(|report| (report.kept(), report.total_dropped()))
        .collect();
    assert_eq!(counts, [(94, 1), (54, 0)]);
    assert_eq!(rows(&data).await.len(), 148);
}
