use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use weir::db::NewScrapedPost;
use weir::ranking::Candidates;

use crate::{
    Workplace,
    common::databases::{TestDatabase, on_both_databases},
};

const JOB: &str = "refresh_candidates";

on_both_databases! {
    the_newest_posts_are_listed_for_their_platform,
    source_age_language_bounds_and_authors_limit_the_list,
    the_best_by_score_come_first,
    a_list_of_long_addresses_is_cut_where_the_store_takes_no_more,
}

/// A post in Weir's form, this many hours old, with these fields changed.
fn post(id: &str, hours: i64, changed: &Value) -> NewScrapedPost {
    let mut blob = json!({
        "id": id, "text": "text", "author_name_hash": id, "type": "post", "language": "en",
        "created_at": Utc::now() - TimeDelta::hours(hours),
        "engagements": {"score": 1, "comment": 0, "award": 0, "upvote": null, "downvote": null},
        "platform": "reddit", "url": format!("https://a.example/{id}"),
    });
    let fields = blob.as_object_mut().unwrap();
    fields.extend(changed.as_object().unwrap().clone());
    NewScrapedPost {
        post_id: id.to_owned(),
        source_id: changed["source"].as_str().unwrap_or("news").to_owned(),
        task_id: "task".to_owned(),
        post_blob: serde_json::value::to_raw_value(&blob).unwrap(),
    }
}

async fn workplace(data: TestDatabase, posts: &[NewScrapedPost]) -> Workplace {
    let all: Vec<_> = posts.iter().collect();
    data.database.store_scraped(&all, &[]).await.unwrap();
    Workplace::new(data)
}

async fn list(place: &Workplace, platform: &str) -> Vec<String> {
    let key = format!("candidates:{platform}");
    let stored = place.store.get(&key).await.unwrap().unwrap();
    let list: Candidates = stored.json().unwrap();
    assert!(list.timestamp.is_some());
    list.candidates.into_iter().map(|one| one.id).collect()
}

async fn the_newest_posts_are_listed_for_their_platform(data: TestDatabase) {
    let mut tweet = post("7", 0, &json!({}));
    let blob = json!({
        "id_str": "7", "rawContent": "t", "date": Utc::now(), "user": {"id_str": "1", "username": "ann"},
    });
    tweet.post_blob = serde_json::value::to_raw_value(&blob).unwrap();
    let mut broken = post("broken", 0, &json!({}));
    broken.post_blob = serde_json::value::to_raw_value(&json!([1])).unwrap();
    let posts = [
        post("old", 5, &json!({})),
        post("new", 1, &json!({})),
        tweet,
        broken,
    ];
    let place = workplace(data, &posts).await;
    assert_eq!(
        place.run(JOB, json!({})).await,
        json!({"facebook": 0, "reddit": 2, "twitter": 1})
    );
    assert_eq!(list(&place, "reddit").await, ["new", "old"]);
    assert_eq!(list(&place, "twitter").await, ["7"]);
    assert!(list(&place, "facebook").await.is_empty());
}

async fn source_age_language_bounds_and_authors_limit_the_list(data: TestDatabase) {
    let happy = json!({"text": "What a wonderful, happy day!"});
    let posts = [
        post("good", 1, &happy),
        post("sad", 1, &json!({"text": "A terrible, horrible disaster."})),
        post("french", 1, &json!({"text": "wonderful", "language": "fr"})),
        post("other", 1, &json!({"text": "wonderful", "source": "other"})),
        post("old", 49, &happy),
        post(
            "same1",
            2,
            &json!({"text": "wonderful", "author_name_hash": "one"}),
        ),
        post(
            "same2",
            3,
            &json!({"text": "wonderful", "author_name_hash": "one"}),
        ),
    ];
    let place = workplace(data, &posts).await;
    let arguments = json!({
        "sources": ["news"], "max_age": "2d", "languages": ["en"], "bounds": {"sentiment": {"min": 0.3}},
        "per_author": 1,
    });
    place.run(JOB, arguments).await;
    assert_eq!(list(&place, "reddit").await, ["good", "same1"]);
}

async fn the_best_by_score_come_first(data: TestDatabase) {
    let posts = [
        post("fair", 1, &json!({"text": "nice"})),
        post("best", 9, &json!({"text": "wonderful happy love great"})),
        post("worst", 1, &json!({"text": "horrible"})),
    ];
    let place = workplace(data, &posts).await;
    place.run(JOB, json!({"score": "sentiment", "n": 2})).await;
    assert_eq!(list(&place, "reddit").await, ["best", "fair"]);
}

#[test]
fn invalid_arguments_are_named() {
    for (arguments, argument) in [
        (json!({"score": "luck"}), "score"),
        (json!({"bounds": {"luck": {}}}), "bounds"),
        (json!({"n": 0}), "n"),
        (json!({"per_author": 0}), "per_author"),
        (json!({"max_age": "old"}), "max_age"),
    ] {
        let refusal = weir::jobs::Registry::shipped().prepare(JOB, &arguments);
        let refusal = refusal.map(drop).unwrap_err().to_string();
        assert!(refusal.starts_with(argument), "{refusal}");
    }
}

async fn a_list_of_long_addresses_is_cut_where_the_store_takes_no_more(data: TestDatabase) {
    let long = "x".repeat(2_000);
    let url = json!({"url": format!("https://a.example/{long}")});
    let posts: Vec<_> = (0..700)
        .map(|number| post(&format!("post{number}"), 1, &url))
        .collect();
    let place = workplace(data, &posts).await;

    let counts = place.run(JOB, json!({"n": 1_000})).await;

    let listed = list(&place, "reddit").await.len();
    assert!((400..700).contains(&listed), "{listed} fit into 1 MB");
    assert_eq!(counts["reddit"], listed);
}
