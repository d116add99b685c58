//! `/rank` while a store or the database is unavailable.

use serde_json::{Value, json};
use weir_test_support::{PATIENCE, Postgres, Weir, feed_of, top_entities};

use super::{STILL, put, with_redis};

#[tokio::test]
async fn losing_redis_changes_no_status_and_is_in_the_metadata() {
    let (weir, redis) = with_redis("");
    put(&redis, &top_entities(&["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let feed = feed_of(&["Trump", "a"]);
    drop(redis);

    let away = async {
        loop {
            let (order, metadata) = weir.rank(&feed).await;
            assert_eq!(order, [1, 0], "the entities known before are still used");
            if metadata["degraded"] == json!([{"part": "store", "missed": 0, "why": "unavailable"}])
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, away).await.unwrap();
    let ready = weir.get("/health/ready").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(
        ready["degraded"],
        json!([{"part": "store", "why": "unreachable"}])
    );
}

#[tokio::test]
async fn a_redis_that_starts_late_is_found() {
    let (mut weir, mut redis) = with_redis("");
    redis.kill();
    weir.kill();
    weir.start_again();
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);

    redis.start_again();
    put(&redis, &top_entities(&["Trump"]));

    weir.counted("snapshot.entities", "entries", 1).await;
    assert_eq!(weir.rank(&feed_of(&["Trump", "a"])).await.0, [1, 0]);
}

#[tokio::test]
async fn a_server_without_its_database_ranks_and_migrates_once_it_is_there() {
    let postgres = Postgres::start();
    let url = postgres.fresh_database();
    postgres.crash();
    let weir = Weir::start(&format!(
        "{STILL}database.url = {url:?}\ndatabase.connect_timeout = \"500ms\""
    ));
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);
    weir.when("/health/ready", |ready| {
        ready["status"] == "ready" && ready["degraded"][0]["part"] == "database"
    })
    .await;

    postgres.start_again();
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
}
