use serde_json::json;
use weir::db::NewPost;

use crate::{
    Workplace,
    common::{
        databases::{TestDatabase, on_both_databases},
        posts::{created, post},
    },
};

const JOB: &str = "substring_matches_by_platform";

on_both_databases! {
    matches_are_counted_by_platform_whatever_their_case,
    a_title_matches_as_well_as_a_text,
    only_rows_of_the_period_are_looked_at,
}

fn on(platform: &str, post: NewPost) -> NewPost {
    NewPost {
        platform: platform.to_owned(),
        ..post
    }
}

async fn matches_are_counted_by_platform_whatever_their_case(data: TestDatabase) {
    let posts = [
        post("1", "Die STRASSE ist lang"),
        post("2", "an der straße"),
        on("reddit", post("3", "Straßenfest")),
        on("twitter", post("4", "a road")),
    ];
    data.database.insert_posts(&posts).await.unwrap();
    let result = Workplace::new(data)
        .run(JOB, json!({"match": "Straße"}))
        .await;
    assert_eq!(result, json!({"facebook": 2, "reddit": 1, "total_rows": 4}));
}

async fn a_title_matches_as_well_as_a_text(data: TestDatabase) {
    let item = json!({"title": "Snow in May", "text": "brr"});
    let titled = NewPost {
        post_blob: serde_json::value::to_raw_value(&item).unwrap(),
        ..post("1", "")
    };
    data.database.insert_posts(&[titled]).await.unwrap();
    let result = Workplace::new(data)
        .run(JOB, json!({"match": "snow"}))
        .await;
    assert_eq!(result, json!({"facebook": 1, "total_rows": 1}));
}

async fn only_rows_of_the_period_are_looked_at(data: TestDatabase) {
    let posts = [
        created("2017-05-30T23:59:59Z", "before"),
        created("2017-05-31T00:00:00Z", "first"),
        created("2017-06-01T00:00:00Z", "after"),
    ];
    data.database.insert_posts(&posts).await.unwrap();
    let arguments = json!({"match": "e", "from": "2017-05-31", "to": "2017-06-01"});
    let result = Workplace::new(data).run(JOB, arguments).await;
    assert_eq!(result, json!({"facebook": 1, "total_rows": 1}));
}

/// The count that the Python system gives for the same question.
#[tokio::test]
async fn real_posts_give_the_known_count() {
    let Some(data) = TestDatabase::of_real_posts().await else {
        return;
    };
    let arguments = json!({"match": "trump", "from": "2017-05-31", "to": "2017-06-01"});
    let result = Workplace::new(data).run(JOB, arguments).await;
    assert_eq!(result, json!({"facebook": 77, "total_rows": 379}));
}
