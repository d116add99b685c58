//! Stored results, and a store that is unavailable.

use reqwest::header;
use serde_json::{Value, json};

use super::with_redis;

#[tokio::test]
async fn a_stored_result_is_answered_as_it_was_written() {
    let (weir, redis) = with_redis("");
    let key = "my_worker:scheduled:x";
    let _: () = redis::cmd("SET")
        .arg(key)
        .arg("{\"a\":  1}")
        .query(&mut redis.connection())
        .unwrap();
    let stored = weir.get(&format!("/results/{key}")).await;
    assert_eq!(stored.headers()[header::CONTENT_TYPE], "application/json");
    assert_eq!(stored.text().await.unwrap(), "{\"a\":  1}");

    let args = json!({"result_key": "reports/today"});
    let id = weir
        .submit_id(&json!({"job": "count_top_named_entities", "args": args}))
        .await;
    let job = weir.finished(&id).await;
    let stored = weir.get("/results/reports/today").await;
    assert!(stored.headers().contains_key(header::LAST_MODIFIED));
    assert_eq!(stored.json::<Value>().await.unwrap(), job["result"]);
    assert_eq!(weir.get("/results/nothing").await.status(), 404);
}

#[tokio::test]
async fn while_the_store_is_unavailable_jobs_are_503_and_accepted_ones_wait() {
    let (weir, mut redis) = with_redis("");
    let id = weir
        .submit_id(&json!({"job": "post_statistics", "delay_ms": 500}))
        .await;
    redis.kill();
    for refused in [
        weir.post_json("/jobs", &json!({"job": "post_statistics"}))
            .await,
        weir.get("/jobs").await,
        weir.get(&format!("/jobs/{id}")).await,
        weir.delete(&format!("/jobs/{id}")).await,
        weir.get("/schedules").await,
        weir.get("/results/x").await,
    ] {
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    }
    redis.start_again();
    assert_eq!(weir.finished(&id).await["state"], "succeeded");
}
