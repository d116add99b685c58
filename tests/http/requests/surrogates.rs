//! Texts that were cut in the middle of an emoji.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use weir_test_support::{PATIENCE, Weir, feed_of};

use super::{metric, request, start};

/// A feed as JSON text in which `HALF` stands for half an emoji.
fn with_halves(feed: &Value) -> String {
    feed.to_string()
        .replace("HALF", "\\ud83d")
        .replace("OTHER", "\\uDE00")
}

fn feed() -> Value {
    serde_json::to_value(feed_of(&["a", "b", "c"])).unwrap()
}

async fn answer(weir: &Weir, path: &str, body: String) -> (u16, String) {
    let response = request(weir, Method::POST, path)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn half_an_emoji_is_read_anywhere_in_a_feed() {
    let weir = start("");
    for (place, value) in [
        ("/items/0/text", json!("so happy HALF")),
        ("/items/0/text", json!("OTHER so HALFHALF happy OTHERHALF")),
        ("/items/1/title", json!("HALF")),
        ("/items/1/author_name_hash", json!("HALF")),
        ("/items/2/parent_id", json!("xHALF")),
        ("/session/user_id", json!("HALF")),
        ("/session/user_name_hash", json!({"ignored": "HALF"})),
        (
            "/survey",
            json!({"party_id": "other", "party_write_in": "HALF"}),
        ),
        ("/ignored", json!([{"deep": "HALF"}])),
    ] {
        let mut feed = feed();
        let expected = feed["items"].as_array().unwrap().len();
        match (
            feed.pointer_mut(place),
            value.is_object() && place.ends_with("hash"),
        ) {
            (_, true) => feed["session"]["extra HALF key"] = value.clone(),
            (Some(slot), _) => *slot = value.clone(),
            (None, _) => feed[&place[1..]] = value.clone(),
        }
        let (status, answer) = answer(&weir, "/rank", with_halves(&feed)).await;
        assert_eq!(status, 200, "{place}: {answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["ranked_ids"].as_array().unwrap().len(), expected);
    }
}

#[tokio::test]
async fn an_error_beside_half_an_emoji_names_its_path() {
    let weir = start("");
    let mut feed = feed();
    feed["items"][0]["text"] = json!("HALF");
    feed["items"][1]["created_at"] = json!("soon HALF");
    let (status, answer) = answer(&weir, "/rank", with_halves(&feed)).await;
    assert_eq!(status, 400);
    assert!(answer.contains("items[1].created_at"), "{answer}");
}

#[tokio::test]
async fn an_id_with_half_an_emoji_comes_back_as_it_was_sent() {
    let weir = start("");
    let mut feed = feed();
    feed["items"][0]["id"] = json!("aHALF");
    feed["items"][1]["id"] = json!("aOTHER");
    feed["items"][2]["id"] = json!("a\u{FFFD}");
    for path in ["/rank", "/rank?explain=true"] {
        let (status, answer) = answer(&weir, path, with_halves(&feed)).await;
        assert_eq!(status, 200, "{answer}");
        let ids = answer.split("\"ranked_ids\":[").nth(1).unwrap();
        let mut ids: Vec<_> = ids.split(']').next().unwrap().split(',').collect();
        ids.sort_unstable();
        assert_eq!(ids, ["\"a\\ud83d\"", "\"a\\ude00\"", "\"a\u{FFFD}\""]);
    }
    let texts = json!({"data": [{"item_id": "aHALF", "text": "so happy HALF"},
                                {"item_id": "aOTHER", "text": "so happy"}]});
    let (status, answer) = answer(&weir, "/score", with_halves(&texts)).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#""item_id":"a\ud83d""#), "{answer}");
    assert!(answer.contains(r#""item_id":"a\ude00""#), "{answer}");
}

#[tokio::test]
async fn every_item_of_such_a_feed_is_recorded() {
    let weir = start("recorder.enabled = true");
    let mut feed = feed();
    feed["items"][0]["id"] = json!("aHALF");
    feed["items"][1]["id"] = json!("aOTHER");
    feed["items"][1]["text"] = json!("cut HALF");
    let (status, _) = answer(&weir, "/rank", with_halves(&feed)).await;
    assert_eq!(status, 200);
    let deadline = Instant::now() + PATIENCE;
    let rows = "weir_recorder_rows_written_total";
    while metric(&weir, rows, "\"recorder\"").await < 3.0 {
        assert!(Instant::now() < deadline, "not recorded\n{}", weir.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn half_an_emoji_is_read_in_jobs_and_in_what_scrapers_found() {
    let weir = start("");
    let job = json!({"job": "substring_matches_by_platform", "args": {"match": ["cut HALF"]}});
    let (status, text) = answer(&weir, "/jobs", with_halves(&job)).await;
    let is_read = status == 202 || !text.contains("surrogate");
    assert!(is_read, "{text}");
    let job = json!({"job": "post_statistics", "unique_key": "HALF"});
    let (status, text) = answer(&weir, "/jobs", with_halves(&job)).await;
    assert_eq!(status, 202, "{text}");

    let mut item = feed()["items"][0].clone();
    item["id"] = json!("reddit:HALF");
    item["platform"] = json!("reddit");
    item["url"] = json!("https://www.reddit.com/r/x");
    let mut second = item.clone();
    second["id"] = json!("reddit:OTHER");
    let tweet = json!({"id_str": "17", "rawContent": "cut HALF"});
    let report = json!({"success": true, "task_id": "tHALF", "timestamp": "2026-11-20T10:00:00Z",
                        "data": {"content_items": [item, second, tweet]}});
    let (status, text) = answer(&weir, "/data/scraper", with_halves(&report)).await;
    assert_eq!((status, text.as_str()), (200, r#"{"accepted":3}"#));
    assert!(
        weir.get("/metrics")
            .await
            .text()
            .await
            .unwrap()
            .contains("outcome=\"stored\"} 3")
    );
}
