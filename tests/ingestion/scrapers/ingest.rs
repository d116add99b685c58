//! `POST /data/scraper`.

use serde_json::{Value, json};
use weir::settings::DatabaseSettings;
use weir_test_support::{Postgres, http_client};

use super::{database_of, errors, hand_in, hand_in_until_taken, report, stored, weir};

#[tokio::test]
async fn what_is_acknowledged_is_stored_once_under_the_scrapers_name() {
    let weir = weir("");
    let database = database_of(&weir).await;
    weir.when("/health/ready", |ready| ready.get("degraded").is_none())
        .await;
    for _ in 0..2 {
        let answer = hand_in(&weir, &report([1, 2, 2])).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer, json!({"accepted": 3}));
    }
    let mut named = report([3]);
    named["source_id"] = "mine".into();
    assert_eq!(hand_in(&weir, &named).await.status(), 200);

    let rows = stored(&database).await;
    let sources: Vec<_> = rows
        .iter()
        .map(|row| (row.post_id.as_str(), row.source_id.as_deref().unwrap()))
        .collect();
    assert_eq!(
        sources,
        [
            ("3", "mine"),
            ("2", "twitter_top_f1"),
            ("1", "twitter_top_f1")
        ]
    );
    let blob: Value = serde_json::from_str(rows[0].post_blob.as_deref().unwrap()).unwrap();
    assert_eq!(blob["rawContent"], "a tweet");
}

#[tokio::test]
async fn an_error_is_a_row_of_its_own() {
    let weir = weir("");
    let database = database_of(&weir).await;
    let told = json!({
        "success": false, "task_id": "t", "timestamp": "2026-11-20T10:00:00", "data": null,
        "error": {"message": "no session"},
    });
    // Until the tables are there it is put off, never lost.
    hand_in_until_taken(&weir, &told).await;
    assert_eq!(errors(&database).await, ["no session"]);
}

#[tokio::test]
async fn reported_numbers_are_among_the_metrics() {
    let weir = weir("");
    let mut told = report([1]);
    told["metrics"] = json!({"requests_left": 17.5});
    hand_in_until_taken(&weir, &told).await;
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    let line = "weir_scraper_reported{source=\"twitter_top_f1\",metric=\"requests_left\"} 17.5";
    assert!(metrics.contains(line), "{metrics}");
    assert!(
        metrics.contains("weir_ingested_posts_total{outcome=\"stored\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn invalid_reports_are_refused() {
    let weir = weir("server.max_body_bytes = 2000\n[auth]\ningest = [\"key\"]\n");
    let send = |body: Value, key: Option<&'static str>| {
        let mut request = http_client()
            .post(weir.url("/data/scraper"))
            .body(body.to_string());
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        request.send()
    };
    let bad = send(report([1])["data"].clone(), Some("key"))
        .await
        .unwrap();
    assert_eq!(bad.status(), 400);
    let body: Value = bad.json().await.unwrap();
    assert_eq!(body["path"], "success");
    assert_eq!(send(report([1]), None).await.unwrap().status(), 401);
    assert_eq!(
        send(report([1]), Some("other")).await.unwrap().status(),
        403
    );
    let long = send(report(0..100), Some("key")).await.unwrap();
    assert_eq!(long.status(), 413);
    assert_eq!(weir.get("/data/scraper").await.status(), 405);
}

#[tokio::test]
async fn an_unavailable_database_is_503_with_retry_after_until_it_is_back() {
    let postgres = Postgres::start();
    let weir = weir(&format!("database.url = {:?}\n", postgres.url()));
    hand_in_until_taken(&weir, &report([1])).await;
    postgres.crash();
    let refused = hand_in(&weir, &report([2])).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    postgres.start_again();
    hand_in_until_taken(&weir, &report([2])).await;
    let database = weir::db::Database::connect(&DatabaseSettings::with_url(postgres.url()))
        .await
        .unwrap();
    assert_eq!(stored(&database).await.len(), 2);
}

#[tokio::test]
async fn posts_that_the_database_refuses_are_reported_and_the_others_are_stored() {
    let postgres = Postgres::start();
    let weir = weir(&format!("database.url = {:?}\n", postgres.url()));
    hand_in_until_taken(&weir, &report([1])).await;
    // What jsonb cannot hold: a number, more depth than the server's stack has; half a character is replaced.
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let body = [(17, "1e400000"), (20, "\"\\ud800\""), (23, deep.as_str())]
        .into_iter()
        .fold(report(2..50).to_string(), |body, (id, bad)| {
            body.replacen(
                &format!("\"id\":{id},"),
                &format!("\"id\":{id},\"n\":{bad},"),
                1,
            )
        });
    let request = weir.client.post(weir.url("/data/scraper"));
    let answer = request
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        answer,
        json!({"accepted": 46, "rejected": [
            {"path": "data.content_items[15]"},
            {"path": "data.content_items[21]"},
        ]})
    );
    let counters = weir.counters("ingester").await;
    assert_eq!(
        (&counters["rejected"], &counters["errors"]),
        (&json!(2), &json!(2))
    );
}
