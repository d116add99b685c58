use chrono::{TimeDelta, Utc};
use serde_json::json;
use weir::db::{NewPost, TimeRange};

use crate::{
    Workplace,
    common::{
        databases::{TestDatabase, on_both_databases},
        posts::post,
    },
};

const JOB: &str = "prune_posts";

on_both_databases! {
    posts_older_than_the_span_are_deleted_and_no_others,
    a_cancelled_prune_deletes_nothing_more,
}

fn aged(days: i64, post_id: &str) -> NewPost {
    NewPost {
        created_at: Utc::now() - TimeDelta::days(days),
        ..post(post_id, "text")
    }
}

async fn posts_older_than_the_span_are_deleted_and_no_others(data: TestDatabase) {
    let old: Vec<NewPost> = (0..2_500)
        .map(|number| aged(31, &number.to_string()))
        .collect();
    data.database.insert_posts(&old).await.unwrap();
    data.database
        .insert_posts(&[aged(29, "young"), aged(0, "new")])
        .await
        .unwrap();
    let place = Workplace::new(data);
    assert_eq!(
        place.run(JOB, json!({"older_than": "30d"})).await,
        json!({"deleted": 2_500})
    );
    assert_eq!(
        place.run(JOB, json!({"older_than": "30d"})).await,
        json!({"deleted": 0})
    );
    let left = place
        .data
        .database
        .count_posts_by_platform(TimeRange::default())
        .await
        .unwrap();
    assert_eq!(left.values().sum::<u64>(), 2);
}

async fn a_cancelled_prune_deletes_nothing_more(data: TestDatabase) {
    data.database
        .insert_posts(&[aged(31, "old")])
        .await
        .unwrap();
    let place = Workplace::new(data);
    place.cancellation.cancel();
    assert!(
        place
            .try_run(JOB, json!({"older_than": "30d"}))
            .await
            .is_err()
    );
    assert!(!place.data.database.is_empty().await.unwrap());
}
