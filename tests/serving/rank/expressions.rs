//! Policies by expressions.

use std::time::Instant;

use chrono::Utc;
use serde_json::{Value, json};
use weir_feed::RankRequest;
use weir_test_support::{PATIENCE, Redis, Weir, feed_of, ranked_indices};

use super::with_redis;

const POLICY: &str = "ranking.policy = \"mine\"\nauth.admin = [\"key\"]\n";

async fn answer(weir: &Weir, feed: &RankRequest) -> Value {
    let asked = weir
        .client
        .post(weir.url("/rank?explain=true"))
        .bearer_auth("key")
        .body(serde_json::to_vec(feed).unwrap());
    asked.send().await.unwrap().json().await.unwrap()
}

fn put_candidates(redis: &Redis, key: &str, ids: &[&str]) {
    let candidate = |id: &&str| json!({"id": id, "url": format!("https://example.org/{id}")});
    let candidates: Vec<Value> = ids.iter().map(candidate).collect();
    let list = json!({"candidates": candidates, "timestamp": Utc::now()});
    let _: () = redis::cmd("SET")
        .arg(key)
        .arg(list.to_string())
        .query(&mut redis.connection())
        .unwrap();
}

#[tokio::test]
async fn items_are_ordered_by_keys_and_explained() {
    let weir = Weir::start(&format!(
        "{POLICY}[columns]\npleasant = \"sentiment > 0\"\n\
         [policies.mine]\norder = [\"pleasant desc\", \"item.position desc\"]\n"
    ));
    let feed = feed_of(&[
        "I hate this horrible war",
        "a wonderful day",
        "so happy",
        "awful",
    ]);
    let answer = answer(&weir, &feed).await;
    assert_eq!(ranked_indices(&feed, &answer), [2, 1, 3, 0]);
    assert_eq!(
        answer["metadata"],
        json!({"intervention_on": true, "policy": "mine"})
    );
    let first = &answer["explanation"][0];
    assert_eq!(
        first["keys"],
        json!({"pleasant desc": true, "item.position desc": 2.0})
    );
    assert_eq!(first["columns"], json!({"pleasant": true}));
    assert!(first["scores"]["sentiment"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn an_edited_expression_takes_effect_and_a_wrong_one_changes_nothing() {
    let policy = |key: &str| format!("{POLICY}[policies.mine]\norder = [\"{key}\"]\n");
    let weir = Weir::start(&policy("item.position desc"));
    let feed = feed_of(&["a", "b", "c"]);
    assert_eq!(weir.rank(&feed).await.0, [2, 1, 0]);
    weir.edit(&policy("bucket(item.position, 1) desc"));
    while weir.rank(&feed).await.0 != [1, 2, 0] {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    weir.edit(&policy("item.positon desc"));
    weir.when("/health/ready", |health| {
        health.to_string().contains("did you mean item.position?")
    })
    .await;
    assert_eq!(weir.rank(&feed).await.0, [1, 2, 0]);
}

#[tokio::test]
async fn items_are_replaced_by_candidates_of_a_named_list_once_per_user() {
    let (weir, redis) = with_redis(&format!(
        "store.shared_keys = [\"candidates:*\"]\n{POLICY}[policies.mine]\nentity_weight = 0.0\n\
         insert = {{ candidates = \"bridging\", replace = \"sentiment < 0\", min_share = 0.5, once_per = \"forever\" }}\n\
         [[policies.mine.marker]]\nbefore = \"sentiment > 0\"\n\
         post = {{ reddit = {{ id = \"note\", url = \"https://example.org/note\" }} }}\n"
    ));
    put_candidates(&redis, "candidates:reddit", &["other"]);
    put_candidates(
        &redis,
        "candidates:bridging:reddit",
        &["one", "two", "three"],
    );

    let feed = feed_of(&[
        "a table",
        "I hate this horrible war",
        "a wonderful day",
        "a chair",
    ]);
    let id = |item: usize| feed.items[item].id.as_str();
    let begun = Instant::now();
    let mut first = answer(&weir, &feed).await;
    while !first["metadata"]["degraded"].is_null() {
        assert!(begun.elapsed() < PATIENCE, "{first}");
        first = answer(&weir, &feed).await;
    }
    assert_eq!(
        first["ranked_ids"],
        json!([id(0), "one", "note", id(2), id(3), "two"])
    );
    let second = answer(&weir, &feed).await;
    assert_eq!(
        second["ranked_ids"],
        json!([id(0), "three", "note", id(2), id(3)])
    );
    let third = answer(&weir, &feed).await;
    assert_eq!(
        third["ranked_ids"],
        json!([id(0), id(1), "note", id(2), id(3)])
    );
    assert_eq!(third["metadata"]["degraded"], Value::Null);
}
