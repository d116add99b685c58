//! `POST /score` on a running Weir.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_test_support::{Weir, http_client};

const SCORERS: &str = r#"
store.backend = "embedded"
schedules.top_named_entities.enabled = false
[scorers.stuck]
kind = "random"
sleep = "20s"
time_limit = "1m"
[scorers.broken]
kind = "random"
fail_rate = 1.0
[scorers.steps]
kind = "random"
sleep = "150ms"
workers = 8
max_batch = 1
time_limit = "200ms"
"#;

fn texts(count: usize) -> Value {
    let text =
        |n: usize| json!({"item_id": format!("t{n}"), "text": format!("number {n} is great")});
    (0..count).map(text).collect()
}

async fn score(weir: &Weir, request: Value) -> (u16, Value) {
    let response = weir.post("/score", request.to_string()).await;
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn refusal(weir: &Weir, request: Value) -> (u16, String, String) {
    let (status, answer) = score(weir, request).await;
    let said = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    (status, said("path"), said("detail"))
}

#[tokio::test]
async fn each_text_has_the_scores_asked_for_and_the_way_of_each() {
    let weir = Weir::start(SCORERS);
    let request = json!({
        "data": [
            {"item_id": "good", "text": "I love this"},
            {"item_id": "bad", "title": "Listen", "text": "I hate this", "type": "comment", "likes": 3},
        ],
        "scorers": ["sentiment", "steps"],
        "deadline_ms": 10000,
    });
    let (status, answer) = score(&weir, request).await;
    assert_eq!(status, 200, "{answer}");
    let items = answer["data"].as_array().unwrap();
    assert_eq!(
        (&items[0]["item_id"], &items[1]["item_id"]),
        (&json!("good"), &json!("bad"))
    );
    assert_eq!(items[0]["scores"]["sentiment"], 0.6369);
    assert!(
        items[1]["scores"]["sentiment"].as_f64().unwrap() < -0.5,
        "{answer}"
    );
    for item in items {
        assert_eq!(item["errors"], json!({}));
        let way = &item["timings"]["steps"];
        let at = |place: &str| way[place].as_f64().unwrap();
        let times = ["sent", "enqueued", "started", "completed", "received"].map(at);
        assert!(times.is_sorted(), "{way}");
        assert!(at("completed") - at("started") >= 150.0, "{way}");
    }
}

#[tokio::test]
async fn many_batches_may_take_longer_together_than_one_may() {
    let weir = Weir::start(SCORERS);
    let request = json!({"data": texts(24), "scorers": ["steps"], "deadline_ms": 20000});
    let (_, answer) = score(&weir, request).await;
    for item in answer["data"].as_array().unwrap() {
        assert!(item["scores"]["steps"].is_f64(), "{item}");
    }
}

#[tokio::test]
async fn what_is_missing_at_the_deadline_is_null_with_its_reason() {
    let weir = Weir::start(SCORERS);
    let begun = Instant::now();
    let request =
        json!({"data": texts(2), "scorers": ["stuck", "broken", "sentiment"], "deadline_ms": 200});
    let (status, answer) = score(&weir, request).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(status, 200);
    let item = &answer["data"][1];
    assert_eq!(
        (&item["scores"]["stuck"], &item["scores"]["broken"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(
        item["errors"],
        json!({"broken": "error", "stuck": "timeout"})
    );
    assert!(item["scores"]["sentiment"].is_f64());
    assert_eq!(item["timings"]["stuck"]["received"], json!(null));
}

#[tokio::test]
async fn all_or_nothing_ends_with_the_first_failure_and_names_it() {
    let weir = Weir::start(SCORERS);
    let begun = Instant::now();
    let request = json!({
        "data": texts(3), "scorers": ["broken", "stuck"], "mode": "all_or_nothing", "deadline_ms": 30000,
    });
    let refused = refusal(&weir, request).await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(
        refused,
        (503, "data[0]".into(), "broken has no score: error".into())
    );

    let request = json!({"data": texts(3), "scorers": ["sentiment"], "mode": "all_or_nothing"});
    assert_eq!(score(&weir, request).await.0, 200);
}

#[tokio::test]
async fn without_names_every_scorer_is_asked_also_one_that_was_just_added() {
    let plain = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";
    let weir = Weir::start(plain);
    let names = async || {
        let (_, answer) = score(&weir, json!({"data": texts(1)})).await;
        answer["data"][0]["scores"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["sentiment"]);
    weir.edit(&format!("{plain}scorers.fresh.kind = \"recency\""));
    while names().await != ["fresh", "sentiment"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_bad_request_names_the_fault_and_its_path() {
    let weir = Weir::start(&format!(
        "{SCORERS}\n[server]\nmax_items = 5\nmax_score_deadline = \"1s\""
    ));
    let unknown = refusal(
        &weir,
        json!({"data": [], "scorers": ["sentiment", "sentimant"]}),
    )
    .await;
    assert_eq!((unknown.0, unknown.1.as_str()), (400, "scorers[1]"));
    assert!(
        unknown.2.contains("\"sentimant\"") && unknown.2.contains("broken, sentiment"),
        "{}",
        unknown.2
    );
    let twice = refusal(&weir, json!({"data": [], "scorers": ["steps", "steps"]})).await;
    assert_eq!((twice.0, twice.1.as_str()), (400, "scorers[1]"));
    let item = refusal(
        &weir,
        json!({"data": [{"item_id": "a", "text": ""}, {"item_id": "b"}]}),
    )
    .await;
    assert_eq!((item.0, item.1.as_str()), (400, "data[1]"));
    let mode = refusal(&weir, json!({"data": [], "mode": "most"})).await;
    assert_eq!((mode.0, mode.1.as_str()), (400, "mode"));
    let late = refusal(&weir, json!({"data": [], "deadline_ms": 1001})).await;
    assert_eq!(
        late,
        (400, "deadline_ms".into(), "expected at most 1000".into())
    );
    assert_eq!(refusal(&weir, json!({"data": texts(6)})).await.0, 413);
    assert_eq!(weir.post("/score", "rubbish").await.status(), 400);
    assert_eq!(weir.get("/score").await.status(), 405);
    assert_eq!(
        score(&weir, json!({"data": []})).await,
        (200, json!({"data": []}))
    );
}

#[tokio::test]
async fn the_key_of_rank_opens_it() {
    let weir = Weir::start(&format!(
        "{SCORERS}\n[auth]\nrank = [\"a-key-of-some-length\"]"
    ));
    let body = json!({"data": texts(1), "scorers": ["sentiment"]}).to_string();
    let without_key = http_client().post(weir.url("/score")).body(body.clone());
    assert_eq!(without_key.send().await.unwrap().status(), 401);
    let with_key = weir
        .client
        .post(weir.url("/score"))
        .header("X-Api-Key", "a-key-of-some-length");
    assert_eq!(with_key.body(body).send().await.unwrap().status(), 200);
}
