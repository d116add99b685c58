//! From normalised items to a seeded database, on SQLite and Postgres.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;

use chrono::{SubsecRound, TimeDelta, Utc};
use common::databases::{TestDatabase, on_both_databases};
use common::posts::time;
use common::workplace::Workplace;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use weir::db::{Existing, PostFilter};
use weir::feed::{Platform, RankRequest};
use weir::ranking::{EntityMatcher, Matching, Policy, TopEntities, rank};
use weir::seeding::preprocess::Report;
use weir::seeding::{Preprocess, Progress, Seed, SeedingError, load_sample};

on_both_databases! {
    the_sample_is_loaded_up_to_now_into_an_empty_database_only,
    every_sample_request_is_reordered_by_the_entities_of_the_loaded_sample,
}

async fn the_sample_is_loaded_up_to_now_into_an_empty_database_only(data: TestDatabase) {
    let now = Utc::now().trunc_subsecs(0);
    let loaded = load_sample(&data.database, now).await.unwrap().unwrap();
    let counts = data
        .database
        .count_posts_by_day(&PostFilter::default(), 1_000)
        .await
        .unwrap();
    assert!(loaded > 2_000, "{loaded}");
    assert_eq!(counts.iter().map(|count| count.posts).sum::<u64>(), loaded);
    assert_eq!(data.database.newest_created_at().await.unwrap(), Some(now));
    let oldest = counts.iter().filter_map(|count| count.day).min().unwrap();
    assert_eq!(oldest, (now - TimeDelta::days(28)).date_naive());
    assert_eq!(load_sample(&data.database, now).await.unwrap(), None);
}

async fn every_sample_request_is_reordered_by_the_entities_of_the_loaded_sample(
    data: TestDatabase,
) {
    load_sample(&data.database, Utc::now()).await.unwrap();
    let arguments = json!({"k": 10, "window": "30d"});
    let place = Workplace::new(data);
    let payload = place.run("count_top_named_entities", arguments).await;
    let payload = payload.to_string();
    let top = TopEntities::from_json(payload.as_bytes()).unwrap();
    let matcher = EntityMatcher::new(&top.named_entities()).unwrap();
    let policy = Policy {
        entity_weight: 1.0,
        matching: Matching::Word,
        ..Policy::named("entities")
    };
    for platform in Platform::ALL {
        let path = format!(
            "{}/sample_data/requests/{platform}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let request = RankRequest::from_json(&fs::read(path).unwrap()).unwrap();
        let names = |item| matcher.find(item, Matching::Word).is_some();
        let flags: Vec<bool> = request.items.iter().map(names).collect();
        let ranking = rank(&policy, &request.items, Some(&flags), &[]);
        // Five of the first eight posts name what the sample names most: they go to the end, in order.
        let expected = [2, 5, 6, 8, 9, 10, 11, 12, 13, 14, 0, 1, 3, 4, 7];
        assert_eq!(ranking.order, expected, "{platform}: {payload}");
    }
}

/// A folder of normalised items: the sample, preprocessed.
fn normalised() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let raw = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/raw");
    let preprocess = Preprocess {
        author_salt: Some("salt".to_owned()),
        ..Preprocess::new(raw, folder.path())
    };
    preprocess.run(&Progress::hidden()).unwrap();
    folder
}

fn seed(items: &TempDir) -> Seed {
    Seed {
        input: items.path().to_owned(),
        existing: Existing::Refuse,
        now: time("2026-11-24T06:00:00Z"),
    }
}

async fn run(seed: &Seed, data: &TestDatabase) -> Result<Vec<Report>, SeedingError> {
    seed.run(
        &data.database,
        &Progress::hidden(),
        &CancellationToken::new(),
    )
    .await
}

/// Every row, as texts that do not depend on the database.
async fn rows(data: &TestDatabase) -> Vec<String> {
    let posts = weir::db::post::Entity::find()
        .order_by_asc(weir::db::post::Column::Id)
        .all(data.database.reader())
        .await
        .unwrap();
    let row = |post: weir::db::post::Model| {
        let blob: Value = serde_json::from_str(post.post_blob.as_deref().unwrap()).unwrap();
        format!(
            "{:?}",
            (
                post.post_blob.is_some(),
                blob,
                weir::db::post::Model {
                    post_blob: None,
                    ..post
                }
            )
        )
    };
    posts.into_iter().map(row).collect()
}

#[tokio::test]
async fn both_databases_hold_the_same_after_the_same_seed() {
    let items = normalised();
    let (sqlite, postgres) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    for data in [&sqlite, &postgres] {
        run(&seed(&items), data).await.unwrap();
    }
    let rows_of_sqlite = rows(&sqlite).await;
    assert!(rows_of_sqlite.len() > 2_000);
    assert_eq!(rows_of_sqlite, rows(&postgres).await);
}
