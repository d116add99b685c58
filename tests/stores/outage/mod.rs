//! What Redis shows of our values to others, and what happens while a store is away.

mod embedded;
mod failover;
mod full_disk;
mod rights;
mod served;
mod states;
mod tls;
mod watched;

use std::time::{Duration, Instant};

use redis::Commands;
use serde_json::{Value, json};
use weir::{
    settings::{DatabaseSettings, StoreConfig},
    store::{Store, StoreError, StoreLocation},
};
use weir_test_support::{Postgres, Redis};

use crate::common::stores::{sees, within};

const MINUTE: Duration = Duration::from_mins(1);
const FAST: Duration = Duration::from_secs(1);

fn open(url: &str) -> Store {
    let url = url.into();
    Store::open(
        &StoreConfig::default(),
        &StoreLocation::ExternalRedis { url },
    )
    .unwrap()
}

async fn fails_fast(store: &Store) {
    let value = json!(1);
    for _ in 0..3 {
        let begun = Instant::now();
        let put = store.put("report", &value, MINUTE).await;
        let put_elapsed = begun.elapsed();
        let get = store.get("report").await;
        assert!(
            matches!(put, Err(StoreError::Unavailable { .. })),
            "{put:?}"
        );
        assert!(
            matches!(get, Err(StoreError::Unavailable { .. })),
            "{get:?}"
        );
        assert!(put_elapsed < FAST, "{put_elapsed:?}");
        assert!(begun.elapsed() < FAST * 2, "{:?}", begun.elapsed());
    }
}

async fn works_again(store: &Store) {
    let value = json!("back");
    within(FAST, async {
        while store.put("report", &value, MINUTE).await.is_err() {}
    })
    .await;
    assert_eq!(
        store.get("report").await.unwrap().unwrap().bytes(),
        b"\"back\""
    );
}

#[tokio::test]
async fn every_key_in_redis_has_a_time_to_live_and_ours_have_the_prefix() {
    let redis = Redis::start();
    let store = open(&redis.url());
    store.put("report", &json!(1), MINUTE).await.unwrap();
    store
        .put("my_worker:report", &json!({"a": [1]}), MINUTE)
        .await
        .unwrap();

    let mut connection = redis.connection();
    let mut keys: Vec<String> = connection.keys("*").unwrap();
    keys.sort();
    assert_eq!(keys, ["my_worker:report", "weir:result:report"]);
    for key in &keys {
        let ttl_ms: i64 = connection.pttl(key).unwrap();
        assert!((59_000..=60_000).contains(&ttl_ms), "{key} {ttl_ms}");
    }
    let plain: String = connection.get("my_worker:report").unwrap();
    assert_eq!(plain, r#"{"a":[1]}"#);
}

#[tokio::test]
async fn a_shared_key_written_by_another_program_is_read_and_watched() {
    let redis = Redis::start();
    let store = open(&redis.url());
    let mut foreign = redis.connection();
    let mut watched = store.watch("my_worker:scheduled:top").unwrap();

    for n in 0..3 {
        let text = format!(r#"{{"top_named_entities": [["Ada", {n}]]}}"#);
        let () = foreign.set("my_worker:scheduled:top", &text).unwrap();
        let limit = Duration::from_millis(1500);
        sees(limit, &mut watched, |stored| {
            stored
                .as_ref()
                .is_some_and(|stored| stored.bytes() == text.as_bytes())
        })
        .await;
    }
    let stored = watched.borrow().clone().unwrap();
    assert_eq!(
        stored.json::<Value>().unwrap(),
        json!({"top_named_entities": [["Ada", 2]]})
    );
    assert_eq!(stored.written_at(), None, "redis does not tell");
}

#[tokio::test]
async fn a_shared_key_that_holds_no_text_is_an_error_that_names_it() {
    let redis = Redis::start();
    let store = open(&redis.url());
    let () = redis.connection().rpush("my_worker:list", "x").unwrap();

    let error = store.get("my_worker:list").await.unwrap_err();

    assert!(
        matches!(&error, StoreError::NotAValue { key } if key == "my_worker:list"),
        "{error}"
    );
}

#[tokio::test]
async fn calls_fail_fast_while_redis_is_unavailable_and_work_within_a_second_of_its_return() {
    let mut redis = Redis::start();
    let store = open(&redis.url());
    works_again(&store).await;
    let mut outage = store.unavailable_since();

    for _ in 0..2 {
        redis.kill();
        fails_fast(&store).await;
        assert!(outage.borrow_and_update().is_some());
        redis.start_again();
        works_again(&store).await;
        sees(FAST * 2, &mut outage, Option::is_none).await;
    }
}

#[tokio::test]
async fn the_first_call_after_an_unnoticed_restart_works() {
    let mut redis = Redis::start();
    let store = open(&redis.url());
    store.put("report", &json!(1), MINUTE).await.unwrap();

    redis.kill();
    redis.start_again();

    assert_eq!(store.get("report").await.unwrap().unwrap().bytes(), b"1");
}

#[tokio::test]
async fn a_handle_opened_before_redis_works_once_redis_is_there() {
    let mut redis = Redis::absent();
    let begun = Instant::now();
    let store = open(&redis.url());
    let mut watched = store.watch("report").unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
    fails_fast(&store).await;

    redis.start_again();

    works_again(&store).await;
    sees(Duration::from_millis(1500), &mut watched, Option::is_some).await;
}

#[tokio::test]
async fn a_watcher_survives_an_outage_and_sees_values_written_during_it() {
    let mut redis = Redis::start();
    let store = open(&redis.url());
    let mut watched = store.watch("my_worker:report").unwrap();
    let mut outage = store.unavailable_since();
    store
        .put("my_worker:report", &json!("before"), MINUTE)
        .await
        .unwrap();
    sees(FAST, &mut watched, Option::is_some).await;

    redis.kill();
    sees(FAST * 2, &mut outage, Option::is_some).await;
    assert_eq!(
        watched.borrow().as_ref().unwrap().bytes(),
        b"\"before\"",
        "the last value stands"
    );
    redis.start_again();
    let () = redis
        .connection()
        .set("my_worker:report", "\"meanwhile\"")
        .unwrap();

    sees(Duration::from_millis(2500), &mut watched, |stored| {
        stored
            .as_ref()
            .is_some_and(|stored| stored.bytes() == b"\"meanwhile\"")
    })
    .await;
    sees(FAST * 2, &mut outage, Option::is_none).await;
    // And notifications work again: at once, not by the poll.
    let value = json!("after");
    let mut seen_at_once = false;
    for _ in 0..5 {
        store
            .put("my_worker:report", &json!(0), MINUTE)
            .await
            .unwrap();
        store.put("my_worker:report", &value, MINUTE).await.unwrap();
        let begun = Instant::now();
        sees(FAST * 2, &mut watched, |stored| {
            stored
                .as_ref()
                .is_some_and(|stored| stored.bytes() == b"\"after\"")
        })
        .await;
        seen_at_once |= begun.elapsed() < Duration::from_millis(100);
    }
    assert!(seen_at_once);
}

#[tokio::test]
async fn a_redis_that_accepts_but_does_not_answer_is_unavailable_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("silent.sock");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fails_fast(&open(&format!("unix://{}", socket.display()))).await;
}

#[tokio::test]
async fn an_unavailable_postgres_fails_fast() {
    let postgres = Postgres::start();
    let location = StoreLocation::Postgres {
        database: DatabaseSettings::with_url(postgres.url()),
    };
    let store = Store::open(&StoreConfig::default(), &location).unwrap();
    store.put("report", &json!(1), MINUTE).await.unwrap();

    drop(postgres);

    fails_fast(&store).await;
    fails_fast(&Store::open(&StoreConfig::default(), &location).unwrap()).await;
}

#[tokio::test]
async fn a_handle_dropped_by_everybody_stops_listening() {
    let redis = Redis::start();
    let store = open(&redis.url());
    let watched = store.watch("report").unwrap();
    store.put("report", &json!(1), MINUTE).await.unwrap();
    let subscribers = || -> i64 {
        let mut count = redis::cmd("PUBSUB");
        let counts: (String, i64) = count
            .arg("NUMSUB")
            .arg("weir:changed")
            .query(&mut redis.connection())
            .unwrap();
        counts.1
    };
    within(FAST, async {
        while subscribers() != 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;

    drop((watched, store));

    within(FAST, async {
        while subscribers() != 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
