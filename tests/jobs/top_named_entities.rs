use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use weir::{db::NewPost, ranking::TopEntities};

use crate::{
    Workplace,
    common::{
        databases::{TestDatabase, on_both_databases},
        posts::{created, post},
    },
};

const JOB: &str = "count_top_named_entities";

on_both_databases! {
    the_entities_that_most_posts_name_come_first,
    a_post_seen_by_many_counts_once,
    posts_are_counted_over_many_pages,
    only_posts_of_the_period_and_platform_count,
    the_result_is_left_under_its_key,
    without_posts_there_are_no_entities,
}

fn top(result: &Value) -> Vec<(String, u64)> {
    serde_json::from_value(result["top_named_entities"].clone()).unwrap()
}

async fn the_entities_that_most_posts_name_come_first(data: TestDatabase) {
    let posts = [
        post(
            "1",
            "Barack Obama met Angela Merkel in Berlin. Berlin was cold, said Barack Obama.",
        ),
        post("2", "Angela Merkel spoke in London yesterday."),
        post("3", "We flew to Berlin and then to London."),
        post("4", "nothing to see here, just a quiet day"),
        post("5", "BERLIN is lovely"),
    ];
    data.database.insert_posts(&posts).await.unwrap();
    let place = Workplace::new(data);
    let result = place.run(JOB, json!({})).await;
    let expected = json!([
        ["Berlin", 3],
        ["Angela Merkel", 2],
        ["London", 2],
        ["Barack Obama", 1],
    ]);
    assert_eq!(result["top_named_entities"], expected);
    assert_eq!(result["forms"]["Berlin"], json!(["Berlin", "BERLIN"]));

    let fewer = place.run(JOB, json!({"k": 2})).await;
    assert_eq!(
        fewer["top_named_entities"],
        json!(expected.as_array().unwrap()[..2])
    );
}

async fn a_post_seen_by_many_counts_once(data: TestDatabase) {
    let seen_by = |user: &str| NewPost {
        session_user_id: user.to_owned(),
        ..post("popular", "Angela Merkel spoke yesterday.")
    };
    let posts = [
        seen_by("ann"),
        seen_by("bob"),
        post("other", "We flew to London."),
        post("third", "London calling"),
    ];
    data.database.insert_posts(&posts).await.unwrap();
    let result = Workplace::new(data).run(JOB, json!({})).await;
    assert_eq!(
        result["top_named_entities"],
        json!([["London", 2], ["Angela Merkel", 1]])
    );
}

async fn posts_are_counted_over_many_pages(data: TestDatabase) {
    let posts: Vec<NewPost> = (0..2_500)
        .map(|number| {
            let text = if number % 5 == 0 {
                "Angela Merkel spoke yesterday."
            } else {
                "We flew to London."
            };
            post(&number.to_string(), text)
        })
        .collect();
    data.database.insert_posts(&posts).await.unwrap();
    // Every post a second time, as another saw it, so that repeats lie pages apart.
    data.database.insert_posts(&posts).await.unwrap();
    let result = Workplace::new(data).run(JOB, json!({})).await;
    assert_eq!(
        result["top_named_entities"],
        json!([["London", 2_000], ["Angela Merkel", 500]])
    );
}

async fn only_posts_of_the_period_and_platform_count(data: TestDatabase) {
    let text = "Angela Merkel spoke yesterday.";
    let recent = NewPost {
        created_at: Utc::now() - TimeDelta::days(29),
        platform: "reddit".to_owned(),
        ..post("recent", text)
    };
    let posts = [
        post("old", text),
        created("2017-05-31T23:00:00Z", "later"),
        recent,
    ];
    data.database.insert_posts(&posts).await.unwrap();
    let place = Workplace::new(data);
    for (arguments, count) in [
        (json!({}), 2),
        (json!({"window": "30d"}), 1),
        (json!({"window": "28d"}), 0),
        (
            json!({"from": "2017-05-31 12:00:00", "to": "2017-05-31T23:00:00Z"}),
            1,
        ),
        (
            json!({"from": "2017-05-31 12:00:01", "to": "2017-05-31T23:00:00Z"}),
            0,
        ),
        (json!({"platform": "facebook"}), 1),
        (json!({"platform": "twitter"}), 0),
    ] {
        let result = place.run(JOB, arguments.clone()).await;
        let counted = top(&result).first().map_or(0, |(_, count)| *count);
        assert_eq!(counted, count, "{arguments}");
    }
}

async fn the_result_is_left_under_its_key(data: TestDatabase) {
    data.database
        .insert_posts(&[post("1", "We flew to London.")])
        .await
        .unwrap();
    let place = Workplace::new(data);
    let key = "my_worker:scheduled:top_named_entities";
    let result = place.run(JOB, json!({"result_key": key})).await;
    let left = place.store.get(key).await.unwrap().unwrap();
    assert_eq!(left.json::<Value>().unwrap(), result);

    let read = TopEntities::from_json(left.bytes()).unwrap();
    assert_eq!(read.top_named_entities, [("London".to_owned(), 1)]);
    let age = Utc::now() - read.timestamp.unwrap();
    assert!(
        age >= TimeDelta::zero() && age < TimeDelta::minutes(1),
        "{age}"
    );
}

async fn without_posts_there_are_no_entities(data: TestDatabase) {
    let result = Workplace::new(data).run(JOB, json!({})).await;
    assert_eq!(result["top_named_entities"], json!([]));
}

/// Of real posts it is known what the news of that day was about.
#[tokio::test]
async fn the_entities_of_real_posts_are_sensible() {
    let Some(data) = TestDatabase::of_real_posts().await else {
        return;
    };
    let place = Workplace::new(data);
    let result = place
        .run(JOB, json!({"from": "2017-05-31", "to": "2017-06-01"}))
        .await;
    let top = top(&result);
    assert_eq!(top.len(), 10);
    assert!(top.iter().any(|(name, _)| name == "Trump"));
    assert!(top.is_sorted_by(|(one, n), (other, m)| n > m || (n == m && one < other)));
    let again = place
        .run(JOB, json!({"from": "2017-05-31", "to": "2017-06-01"}))
        .await;
    assert_eq!(again["top_named_entities"], result["top_named_entities"]);
}
