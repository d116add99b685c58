//! A server that refuses, as clients, operators and jobs of a running Weir see it.

use std::time::Duration;

use serde_json::{Value, json};
use weir_test_support::{Redis, Weir};

/// No schedule but those of a test.
const STILL: &str = "schedules.top_named_entities.enabled = false\n";

fn start(redis: &Redis) -> Weir {
    Weir::start(&format!("store.redis_url = {:?}\n{STILL}", redis.url()))
}

fn job() -> Value {
    json!({"job": "post_statistics"})
}

async fn why(weir: &Weir, part: &str) -> Option<String> {
    let ready: Value = weir.get("/health/ready").await.json().await.unwrap();
    let issues = ready["degraded"].as_array().cloned().unwrap_or_default();
    let issue = issues.iter().find(|issue| issue["part"] == part)?;
    issue["why"].as_str().map(str::to_owned)
}

async fn until_clean(weir: &Weir) {
    weir.when("/health/ready", |ready| ready["degraded"].is_null())
        .await;
}

/// The lines of the log at this level.
fn lines(weir: &Weir, level: &str) -> Vec<String> {
    let level = format!("\"level\":\"{level}\"");
    let log = weir.log();
    log.lines()
        .filter(|line| line.contains(&level))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_refusal_is_503_with_retry_after_one_line_and_a_reason_and_ends_by_itself() {
    let redis = Redis::start();
    let weir = start(&redis);
    until_clean(&weir).await;
    for (enter, reason, leave) in [
        (
            &["CONFIG", "SET", "maxmemory", "1"][..],
            "out of memory",
            &["CONFIG", "SET", "maxmemory", "0"][..],
        ),
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            "too few replicas",
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            "read-only",
            &["REPLICAOF", "NO", "ONE"],
        ),
    ] {
        redis.command(enter);
        for _ in 0..20 {
            let refused = weir.post_json("/jobs", &job()).await;
            assert_eq!(refused.status(), 503, "{reason}");
            assert!(refused.headers().contains_key("retry-after"), "{reason}");
            let text = refused.text().await.unwrap();
            assert!(text.contains(reason), "{text}");
            let said = why(&weir, "store").await.unwrap_or_default();
            assert!(said.contains(reason), "{said}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        redis.command(leave);
        until_clean(&weir).await;
        assert_eq!(
            weir.post_json("/jobs", &job()).await.status(),
            202,
            "{reason}"
        );
    }
    assert_eq!(lines(&weir, "ERROR"), Vec::<String>::new());
    let warnings = lines(&weir, "WARN");
    let of_outages = warnings.iter().filter(|line| line.contains("unavailable"));
    assert_eq!(of_outages.count(), 3, "{warnings:#?}");
}

#[tokio::test]
async fn a_job_whose_result_is_refused_waits_and_does_not_die() {
    let redis = Redis::start();
    let weir = start(&redis);
    until_clean(&weir).await;
    let job = json!({
        "job": "count_top_named_entities", "args": {"result_key": "my_worker:top"}, "delay_ms": 1_000
    });
    let path = format!("/jobs/{}", weir.submit_id(&job).await);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);

    weir.when(&path, |job| job["attempts"].as_u64() >= Some(2))
        .await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);

    let job = weir.when(&path, |job| job["state"] == "succeeded").await;
    assert!(job["attempts"].as_u64() >= Some(2), "{job}");
    assert_eq!(weir.get("/results/my_worker:top").await.status(), 200);
}

#[tokio::test]
async fn data_that_others_broke_is_500_and_one_line_and_named_in_health() {
    let redis = Redis::start();
    redis.command(&["SET", "weir:jobs:ready:post_statistics", "text"]);
    let weir = start(&redis);
    weir.when("/health/ready", |ready| {
        ready["degraded"][0]["part"] == "jobs"
    })
    .await;

    for _ in 0..20 {
        assert_eq!(weir.post_json("/jobs", &job()).await.status(), 500);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert!(
        why(&weir, "jobs")
            .await
            .unwrap()
            .contains("another type of data")
    );
    let errors = lines(&weir, "ERROR");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    redis.command(&["DEL", "weir:jobs:ready:post_statistics"]);
    until_clean(&weir).await;
}

#[tokio::test]
async fn a_wrong_database_and_a_wrong_password_are_named_and_a_password_is_not() {
    let redis = Redis::start();
    for (parameters, reason) in [
        ("db=99", "no database of the number"),
        ("pass=hunter2", "wrong user or password"),
    ] {
        let weir = Weir::start(&format!(
            "store.redis_url = \"{}?{parameters}\"\n{STILL}",
            redis.url()
        ));
        let refused = weir.post_json("/jobs", &job()).await;
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key("retry-after"));
        assert!(why(&weir, "store").await.unwrap().contains(reason));
        assert!(!weir.log().contains("hunter2"), "{}", weir.log());
        assert_eq!(lines(&weir, "ERROR"), Vec::<String>::new());
    }
}
