//! Served feeds that are kept.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use weir::db::Database;
use weir::settings::DatabaseSettings;
use weir_test_support::{Weir, feed_of};

const ON: &str = "recorder.enabled = true\nstore.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";

/// A Weir that records, on a database that is ready.
async fn recording(settings: &str) -> Weir {
    let weir = Weir::start(&format!("{ON}{settings}"));
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
    while !weir.log().contains("the database is ready") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    weir
}

/// The rows of `posts`, oldest first.
async fn rows(weir: &Weir) -> Vec<Value> {
    let url = format!("sqlite://{}", weir.database_file().display());
    let database = Database::connect(&DatabaseSettings::with_url(url))
        .await
        .unwrap();
    let columns = "post_id, session_timestamp, session_user_id, platform, type, author_name_hash, created_at, post_blob";
    let statement = Statement::from_string(
        DbBackend::Sqlite,
        format!("SELECT {columns} FROM posts ORDER BY id"),
    );
    let rows = database.reader().query_all_raw(statement).await.unwrap();
    let text = |row: &sea_orm::QueryResult, place| row.try_get_by_index::<String>(place).unwrap();
    rows.iter()
        .map(|row| {
            (0..8)
                .map(|place| Value::String(text(row, place)))
                .collect()
        })
        .collect()
}

fn feed() -> Value {
    let mut feed = serde_json::to_value(feed_of(&["one", "two"])).unwrap();
    feed["session"]["user_id"] = json!("ann");
    feed["session"]["current_time"] = json!("2026-11-24 04:00:00");
    feed["items"][0]["created_at"] = json!("2026-11-23T23:00:00+01:00");
    feed["items"][0]["future"] = json!({"unknown": [1, 2]});
    feed["items"][0]["post_id"] = json!("another id");
    feed
}

async fn rank(weir: &Weir, feed: &Value) {
    assert_eq!(weir.post("/rank", feed.to_string()).await.status(), 200);
}

#[tokio::test]
async fn a_served_feed_is_kept_as_received() {
    let weir = recording("").await;
    let feed = feed();
    rank(&weir, &feed).await;
    weir.counted("recorder", "rows", 2).await;

    let rows = rows(&weir).await;
    assert_eq!(rows.len(), 2);
    let item = &feed["items"][0];
    let expected = json!([
        item["id"],
        "2026-11-24 04:00:00",
        "ann",
        "reddit",
        "post",
        item["author_name_hash"],
        "2026-11-23 22:00:00"
    ]);
    assert_eq!(
        rows[0].as_array().unwrap()[..7],
        expected.as_array().unwrap()[..]
    );
    let blob: Value = serde_json::from_str(rows[0][7].as_str().unwrap()).unwrap();
    assert_eq!(&blob, item, "unknown fields and all");
}

#[tokio::test]
async fn a_post_that_the_user_has_already_is_not_kept_twice() {
    let weir = recording("").await;
    let mut feed = feed();
    rank(&weir, &feed).await;
    rank(&weir, &feed).await;
    weir.counted("recorder", "known_rows", 2).await;
    feed["session"]["user_id"] = json!("bob");
    rank(&weir, &feed).await;
    weir.counted("recorder", "rows", 4).await;
    assert_eq!(rows(&weir).await.len(), 4);
}

#[tokio::test]
async fn an_id_that_is_there_twice_is_kept_once() {
    let weir = recording("").await;
    let mut feed = feed();
    let again = feed["items"][0].clone();
    feed["items"].as_array_mut().unwrap().push(again);
    rank(&weir, &feed).await;
    weir.counted("recorder", "rows", 2).await;
    assert_eq!(rows(&weir).await.len(), 2);
}

#[tokio::test]
async fn a_prefetch_is_not_kept() {
    let weir = recording("").await;
    let mut feed = feed();
    feed["session"]["prefetch"] = json!(true);
    rank(&weir, &feed).await;
    weir.counted("recorder", "prefetches", 1).await;
    assert!(rows(&weir).await.is_empty());
}

#[tokio::test]
async fn a_feed_over_the_rate_limit_is_dropped_whole_and_counted() {
    let weir = recording("recorder.max_rows_per_s = 3").await;
    let (mut first, mut second) = (feed(), feed());
    first["session"]["user_id"] = json!("ann");
    second["session"]["user_id"] = json!("bob");
    rank(&weir, &first).await;
    rank(&weir, &second).await;
    weir.counted("recorder", "over_rate", 1).await;
    weir.counted("recorder", "rows", 2).await;
    assert_eq!(rows(&weir).await.len(), 2);
}

#[tokio::test]
async fn a_database_that_fails_costs_the_feed_and_no_answer() {
    let weir = recording("").await;
    let url = format!("sqlite://{}", weir.database_file().display());
    let database = Database::connect(&DatabaseSettings::with_url(url))
        .await
        .unwrap();
    let drop_table = Statement::from_string(DbBackend::Sqlite, "DROP TABLE posts");
    let transaction = database.begin().await.unwrap();
    transaction.execute_raw(drop_table).await.unwrap();
    transaction.commit().await.unwrap();

    rank(&weir, &feed()).await;
    weir.counted("recorder", "failed", 1).await;
}

#[tokio::test]
async fn a_stop_writes_pending_posts() {
    let mut weir = recording("").await;
    for user in 0..20 {
        let mut feed = feed();
        feed["session"]["user_id"] = json!(user.to_string());
        rank(&weir, &feed).await;
    }
    assert_eq!(weir.stop(), Some(0));
    assert_eq!(rows(&weir).await.len(), 40);
}

#[tokio::test]
async fn nothing_is_recorded_unless_enabled() {
    let weir =
        Weir::start("store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false");
    while !weir.log().contains("the database is ready") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    rank(&weir, &feed()).await;
    assert!(rows(&weir).await.is_empty());
    let actors = weir.when("/actors", |_| true).await;
    assert!(!actors.to_string().contains("recorder"));
}
