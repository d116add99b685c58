//! What is asked of the posts.

use std::collections::{BTreeMap, HashSet};

use sea_orm::EntityTrait;
use serde_json::value::RawValue;
use weir::db::{DbError, NewPost, PostFilter, TimeRange, post as post_entity};

use crate::{
    between,
    common::{
        databases::{TestDatabase, on_both_databases},
        posts::{created, post, time},
    },
    ids, sql, walk,
};

on_both_databases! {
    what_is_stored_is_read_back,
    a_filter_limits_the_walk_by_time_and_platform,
    a_walk_visits_every_post_once_in_the_order_of_keys,
    a_range_holds_its_first_instant_and_not_its_last,
    a_post_that_the_database_refuses_does_not_spoil_its_batch,
    a_null_character_is_stored_as_the_replacement_character,
    a_batch_larger_than_a_statement_is_stored_whole,
    known_posts_are_found_by_post_and_user,
    posts_are_counted_by_platform,
    the_newest_time_is_the_latest_of_all,
    an_empty_database_says_so,
}

async fn what_is_stored_is_read_back(TestDatabase { database, .. }: TestDatabase) {
    let stored = NewPost {
        created_at: time("2017-05-31T23:00:00.250Z"),
        kind: "comment".to_owned(),
        ..post("a", "Hello, Wörld 👋")
    };
    let outcome = database
        .insert_posts(std::slice::from_ref(&stored))
        .await
        .unwrap();
    assert_eq!((outcome.inserted, outcome.rejected.len()), (1, 0));

    let read = post_entity::Entity::find()
        .one(database.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.post_id.as_deref(), Some("a"));
    assert_eq!(read.session_timestamp, Some(stored.session_timestamp));
    assert_eq!(read.session_user_id.as_deref(), Some("user"));
    assert_eq!(read.platform.as_deref(), Some("facebook"));
    assert_eq!(read.kind.as_deref(), Some("comment"));
    assert_eq!(read.author_name_hash.as_deref(), Some("author"));
    assert_eq!(read.created_at, Some(stored.created_at));
    let blob: serde_json::Value = serde_json::from_str(&read.post_blob.unwrap()).unwrap();
    assert_eq!(blob["text"], "Hello, Wörld 👋");

    let walked = walk(&database, PostFilter::default(), 10).await;
    assert_eq!(walked[0].text.as_deref(), Some("Hello, Wörld 👋"));
    assert_eq!(walked[0].title, None);
}

async fn a_filter_limits_the_walk_by_time_and_platform(
    TestDatabase { database, .. }: TestDatabase,
) {
    let reddit = NewPost {
        platform: "reddit".to_owned(),
        ..post("reddit", "text")
    };
    let posts = [
        post("facebook", "text"),
        reddit,
        created("2017-07-01T00:00:00Z", "later"),
    ];
    database.insert_posts(&posts).await.unwrap();

    let day = between("2017-05-31T00:00:00Z", "2017-06-01T00:00:00Z");
    assert_eq!(
        ids(&walk(&database, day.clone(), 10).await),
        ["facebook", "reddit"]
    );
    let of_reddit = PostFilter {
        platform: Some("reddit".to_owned()),
        ..day
    };
    assert_eq!(ids(&walk(&database, of_reddit, 10).await), ["reddit"]);
}

async fn a_walk_visits_every_post_once_in_the_order_of_keys(
    TestDatabase { database, .. }: TestDatabase,
) {
    let names: Vec<String> = (0..25).map(|number| number.to_string()).collect();
    let posts: Vec<NewPost> = names.iter().map(|name| post(name, name)).collect();
    database.insert_posts(&posts).await.unwrap();
    for page_size in [1, 4, 5, 25, 100] {
        assert_eq!(
            ids(&walk(&database, PostFilter::default(), page_size).await),
            names
        );
    }
    let mut pages = database.post_pages(PostFilter::default(), 10);
    pages.next().await.unwrap();
    database
        .insert_posts(&[post("late", "late")])
        .await
        .unwrap();
    let mut rest = 0;
    while let Some(page) = pages.next().await.unwrap() {
        rest += page.len();
    }
    assert_eq!(
        rest, 15,
        "a post added after the walk began is not part of it"
    );
}

async fn a_range_holds_its_first_instant_and_not_its_last(
    TestDatabase { database, .. }: TestDatabase,
) {
    let posts = [
        created("2017-05-31T22:59:59.999Z", "before"),
        created("2017-05-31T23:00:00Z", "first"),
        created("2017-05-31T23:59:59.999Z", "inside"),
        created("2017-06-01T00:00:00Z", "last"),
    ];
    database.insert_posts(&posts).await.unwrap();
    let hour = between("2017-05-31T23:00:00Z", "2017-06-01T00:00:00Z");
    assert_eq!(ids(&walk(&database, hour, 10).await), ["first", "inside"]);
    let open = |from, to| PostFilter {
        created: TimeRange { from, to },
        platform: None,
    };
    let midnight = Some(time("2017-06-01T00:00:00Z"));
    assert_eq!(
        ids(&walk(&database, open(midnight, None), 10).await),
        ["last"]
    );
    assert_eq!(walk(&database, open(None, midnight), 10).await.len(), 3);
}

async fn a_post_that_the_database_refuses_does_not_spoil_its_batch(
    TestDatabase { database, .. }: TestDatabase,
) {
    sql(
        &database,
        "CREATE UNIQUE INDEX only_once ON posts (post_id)",
    )
    .await;
    let mut posts: Vec<NewPost> = (0..1_500)
        .map(|number| post(&number.to_string(), "text"))
        .collect();
    posts[700] = post("3", "again");
    posts[1_499] = post("4", "again");
    let outcome = database.insert_posts(&posts).await.unwrap();
    assert_eq!(outcome.inserted, 1_498);
    let refused: Vec<usize> = outcome.rejected.iter().map(|post| post.index).collect();
    assert_eq!(refused, [700, 1_499]);
    assert!(matches!(outcome.rejected[0].error, DbError::Data(_)));
    assert_eq!(
        walk(&database, PostFilter::default(), 1_000).await.len(),
        1_498
    );
}

async fn a_null_character_is_stored_as_the_replacement_character(
    TestDatabase { database, .. }: TestDatabase,
) {
    let spelled = r#"{"text": "a\u0000b \\u0000 \ud83d\ude00 \ud83d"}"#;
    let nasty = NewPost {
        session_user_id: "nu\0ll".to_owned(),
        post_blob: RawValue::from_string(spelled.to_owned()).unwrap(),
        ..post("a\0b", "")
    };
    let outcome = database
        .insert_posts(&[post("nice", "nice"), nasty])
        .await
        .unwrap();
    assert_eq!(outcome.inserted, 2);
    let read = walk(&database, PostFilter::default(), 10).await;
    assert_eq!(read[1].post_id.as_deref(), Some("a\u{FFFD}b"));
    assert_eq!(
        read[1].text.as_deref(),
        Some("a\u{FFFD}b \\u0000 😀 \u{FFFD}")
    );
}

async fn a_batch_larger_than_a_statement_is_stored_whole(
    TestDatabase { database, .. }: TestDatabase,
) {
    let posts: Vec<NewPost> = (0..12_345)
        .map(|number| post(&number.to_string(), "text"))
        .collect();
    assert_eq!(
        database.insert_posts(&posts).await.unwrap().inserted,
        12_345
    );
    assert_eq!(
        walk(&database, PostFilter::default(), 5_000).await.len(),
        12_345
    );
    assert_eq!(database.insert_posts(&[]).await.unwrap().inserted, 0);
}

async fn known_posts_are_found_by_post_and_user(TestDatabase { database, .. }: TestDatabase) {
    let seen_by = |user: &str, post_id: &str| NewPost {
        session_user_id: user.to_owned(),
        ..post(post_id, "text")
    };
    database
        .insert_posts(&[seen_by("ann", "1"), seen_by("bob", "2")])
        .await
        .unwrap();
    let pair = |post_id: &str, user: &str| (post_id.to_owned(), user.to_owned());
    let mut asked = vec![
        pair("1", "ann"),
        pair("1", "bob"),
        pair("2", "bob"),
        pair("3", "ann"),
    ];
    asked.extend((0..25_000).map(|number| pair(&format!("absent {number}"), &number.to_string())));
    let known = database.known_posts(&asked).await.unwrap();
    assert_eq!(known, HashSet::from([pair("1", "ann"), pair("2", "bob")]));
}

async fn posts_are_counted_by_platform(TestDatabase { database, .. }: TestDatabase) {
    let reddit = NewPost {
        platform: "reddit".to_owned(),
        ..created("2017-06-02T00:00:00Z", "r")
    };
    database
        .insert_posts(&[post("a", ""), post("b", ""), reddit])
        .await
        .unwrap();
    sql(&database, "INSERT INTO posts (post_id) VALUES ('bare')").await;
    let counts = |pairs: &[(Option<&str>, u64)]| -> BTreeMap<Option<String>, u64> {
        pairs
            .iter()
            .map(|(name, count)| (name.map(str::to_owned), *count))
            .collect()
    };
    let all = database
        .count_posts_by_platform(TimeRange::default())
        .await
        .unwrap();
    assert_eq!(
        all,
        counts(&[(None, 1), (Some("facebook"), 2), (Some("reddit"), 1)])
    );
    let day = between("2017-06-02T00:00:00Z", "2017-06-03T00:00:00Z").created;
    let of_day = database.count_posts_by_platform(day).await.unwrap();
    assert_eq!(of_day, counts(&[(Some("reddit"), 1)]));
}

async fn the_newest_time_is_the_latest_of_all(TestDatabase { database, .. }: TestDatabase) {
    assert_eq!(database.newest_created_at().await.unwrap(), None);
    let posts = [
        created("2017-05-31T23:00:00.125Z", "new"),
        created("2016-01-01T00:00:00Z", "old"),
    ];
    database.insert_posts(&posts).await.unwrap();
    let newest = database.newest_created_at().await.unwrap();
    assert_eq!(newest, Some(time("2017-05-31T23:00:00.125Z")));
}

async fn an_empty_database_says_so(TestDatabase { database, .. }: TestDatabase) {
    assert!(database.is_empty().await.unwrap());
    assert_eq!(walk(&database, PostFilter::default(), 10).await, []);
    database.insert_posts(&[post("a", "text")]).await.unwrap();
    assert!(!database.is_empty().await.unwrap());
}
