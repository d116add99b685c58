use serde_json::{Value, json};
use weir::db::NewPost;

use crate::{
    Workplace,
    common::{
        databases::{TestDatabase, on_both_databases},
        posts::created,
    },
};

const JOB: &str = "post_statistics";

on_both_databases! {
    posts_are_counted_by_platform_type_and_day,
    a_period_and_a_platform_limit_what_is_counted,
}

fn posts() -> Vec<NewPost> {
    let of = |platform: &str, kind: &str, iso: &str| NewPost {
        platform: platform.to_owned(),
        kind: kind.to_owned(),
        ..created(iso, "post")
    };
    vec![
        of("reddit", "post", "2017-05-31T23:59:59Z"),
        of("facebook", "comment", "2017-05-31T00:00:00Z"),
        of("facebook", "post", "2017-05-31T12:00:00Z"),
        of("facebook", "post", "2017-05-31T13:00:00Z"),
        of("facebook", "post", "2017-06-01T00:00:00Z"),
    ]
}

fn count(platform: &str, kind: &str, day: &str, posts: u64) -> Value {
    json!({"platform": platform, "type": kind, "day": day, "posts": posts})
}

async fn posts_are_counted_by_platform_type_and_day(data: TestDatabase) {
    data.database.insert_posts(&posts()).await.unwrap();
    let result = Workplace::new(data).run(JOB, json!({})).await;
    let counts = [
        count("facebook", "post", "2017-06-01", 1),
        count("facebook", "comment", "2017-05-31", 1),
        count("facebook", "post", "2017-05-31", 2),
        count("reddit", "post", "2017-05-31", 1),
    ];
    assert_eq!(
        result,
        json!({"counts": counts, "total": 5, "truncated": false})
    );
}

async fn a_period_and_a_platform_limit_what_is_counted(data: TestDatabase) {
    data.database.insert_posts(&posts()).await.unwrap();
    let arguments = json!({"to": "2017-06-01", "platform": "reddit"});
    let result = Workplace::new(data).run(JOB, arguments).await;
    assert_eq!(
        result["counts"],
        json!([count("reddit", "post", "2017-05-31", 1)])
    );
    assert_eq!(result["total"], 1);
}
