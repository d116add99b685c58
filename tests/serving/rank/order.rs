//! The order of an answer, and what its metadata says.

use std::time::Duration;

use serde_json::{Value, json};
use weir_test_support::{feed_of, ranked_indices, top_entities};

use super::{put, with_redis};

#[tokio::test]
async fn posts_that_name_a_top_entity_go_last_and_the_order_is_kept_within() {
    let (weir, redis) = with_redis("");
    put(&redis, &top_entities(&["NASA", "Trump"]));
    weir.counted("snapshot.entities", "entries", 2).await;

    let feed = feed_of(&[
        "Trump wins",
        "a dog",
        "NASA's new rocket",
        "a trumpet",
        "calm lake",
    ]);
    let (order, metadata) = weir.rank(&feed).await;

    assert_eq!(order, [1, 3, 4, 0, 2]);
    assert_eq!(
        metadata,
        json!({"intervention_on": true, "policy": "entities"})
    );
}

#[tokio::test]
async fn without_entities_the_order_is_the_incoming_one_and_says_so() {
    let (weir, _redis) = with_redis("");
    let (order, metadata) = weir.rank(&feed_of(&["Trump wins", "a dog"])).await;
    assert_eq!(order, [0, 1]);
    assert_eq!(metadata["intervention_on"], false);
    assert_eq!(
        metadata["degraded"],
        json!([{"part": "entities", "missed": 2, "why": "unavailable"}])
    );
}

#[tokio::test]
async fn entities_that_are_too_old_are_not_used() {
    let (weir, redis) = with_redis("ranking.max_entity_age = \"1h\"");
    let mut old = top_entities(&["Trump"]);
    old["timestamp"] = json!("2024-06-04T01:02:22");
    put(&redis, &old);
    weir.counted("snapshot.entities", "entries", 1).await;

    let (order, metadata) = weir.rank(&feed_of(&["Trump wins", "a dog"])).await;

    assert_eq!(order, [0, 1]);
    assert_eq!(metadata["degraded"][0]["why"], "unavailable");
}

#[tokio::test]
async fn calm_puts_the_pleasant_before_the_unpleasant() {
    let (weir, redis) = with_redis("ranking.policy = \"calm\"");
    put(&redis, &json!(["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let feed = feed_of(&[
        "I hate this horrible war",
        "Trump is great",
        "a table",
        "I love this wonderful day",
    ]);
    let (order, metadata) = weir.rank(&feed).await;
    assert_eq!(order, [3, 2, 0, 1]);
    assert_eq!(metadata["policy"], "calm");
}

#[tokio::test]
async fn the_admin_may_choose_the_policy_and_ask_for_reasons() {
    let (weir, redis) = with_redis("auth.admin = [\"key\"]");
    put(&redis, &top_entities(&["Trump"]));
    let feed = feed_of(&["Trump is great", "what a horrible day"]);
    let body = serde_json::to_vec(&feed).unwrap();
    let asked = |query: &str| {
        weir.client
            .post(weir.url(&format!("/rank?{query}")))
            .body(body.clone())
    };

    while asked("explain=true")
        .bearer_auth("key")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
        .contains("degraded")
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(asked("policy=calm").send().await.unwrap().status(), 401);
    assert_eq!(
        asked("policy=calm")
            .bearer_auth("other")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(
        asked("policy=none")
            .bearer_auth("key")
            .send()
            .await
            .unwrap()
            .status(),
        400
    );
    let answer: Value = asked("policy=calm&explain=true")
        .bearer_auth("key")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(ranked_indices(&feed, &answer), [1, 0]);
    assert_eq!(answer["metadata"]["policy"], "calm");
    let reasons = &answer["explanation"];
    assert_eq!(reasons[1]["entity"], "Trump");
    assert!(reasons[0]["scores"]["sentiment"].as_f64().unwrap() < -0.3);
    assert!(reasons[0]["value"].as_f64().unwrap() > reasons[1]["value"].as_f64().unwrap());
}

#[tokio::test]
async fn minimal_metadata_has_intervention_on_only() {
    let (weir, _redis) = with_redis("ranking.metadata = \"minimal\"");
    let (_, metadata) = weir.rank(&feed_of(&["a", "b"])).await;
    assert_eq!(metadata, json!({"intervention_on": false}));
}
