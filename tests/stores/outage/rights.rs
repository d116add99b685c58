//! A user of Redis that may not do all that Weir does.

use std::time::Duration;

use serde_json::json;
use weir::store::{Change, StoreError};
use weir_test_support::Redis;

use super::watched::{Watched, eventually};
use crate::common::stores::within;

const MINUTE: Duration = Duration::from_mins(1);
const PART: &str = "store rights";

/// The command of docs/operations.md, in words.
fn documented() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut lines = page.lines();
    let line = lines
        .find(|line| line.starts_with("ACL SETUSER weir "))
        .unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

/// A server with the documented user, and its URL.
fn server() -> (Redis, String) {
    let redis = Redis::start();
    let words = documented();
    redis.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let url = format!("{}?user=weir&pass=PASSWORD&db=3", redis.url());
    (redis, url)
}

fn grant(redis: &Redis, rules: &[&str]) {
    redis.command(&[&["ACL", "SETUSER", "weir"], rules].concat());
}

#[tokio::test]
async fn the_documented_rights_are_enough_and_nothing_is_reported() {
    let (redis, url) = server();
    let watched = Watched::open(&url);
    let mut changes = watched.store.changes();
    watched.recovers().await;

    watched.use_all().await;

    let heard = async {
        while changes.recv().await.unwrap() != Change::Key("weir:result:report".into()) {}
    };
    within(Duration::from_secs(5), heard).await;
    assert!(watched.health.current().is_empty());
    // Nothing was carried out that was only to be checked.
    let mut keys = redis.connection();
    let () = redis::cmd("SELECT").arg(3).query(&mut keys).unwrap();
    let rights: bool = redis::Commands::exists(&mut keys, "weir:rights").unwrap();
    assert!(!rights);
    let denied: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut keys).unwrap();
    assert!(denied.is_empty(), "{denied:?}");
}

#[tokio::test]
async fn each_missing_right_is_named_with_the_rule_that_grants_it() {
    for (taken, granted) in [
        ("-zrange", "+zrange"),
        ("-hset", "+hset"),
        ("-evalsha", "+evalsha"),
        ("-script", "+script|load"),
        ("-discard", "+discard"),
        ("-exec", "+exec"),
        ("-publish", "+publish"),
        ("-subscribe", "+subscribe"),
        ("-time", "+time"),
        ("-zrevrangebylex", "+zrevrangebylex"),
    ] {
        let (redis, url) = server();
        grant(&redis, &[taken]);
        let watched = Watched::open(&url);
        let expected = format!("ACL SETUSER weir {granted}");
        eventually(granted, || async {
            watched
                .condition(PART)
                .is_some_and(|why| why.ends_with(&expected))
        })
        .await;

        grant(&redis, &[granted]);

        eventually("mended", || async { watched.condition(PART).is_none() }).await;
        watched.recovers().await;
    }
}

#[tokio::test]
async fn missing_keys_and_channels_are_named_and_calls_that_need_them_are_tried_again() {
    let (redis, url) = server();
    grant(&redis, &["resetkeys", "~weir:*", "resetchannels"]);
    let watched = Watched::open(&url);

    let Err(StoreError::Unavailable { class, .. }) = watched
        .store
        .put("my_worker:report", &json!(1), MINUTE)
        .await
    else {
        panic!("taken");
    };

    assert!(class.condition.contains("no permission"), "{class:?}");
    let mend = "ACL SETUSER weir &weir:changed ~my_worker:*";
    eventually("named", || async {
        watched
            .condition(PART)
            .is_some_and(|why| why.ends_with(mend))
    })
    .await;
    assert!(
        watched
            .condition("store")
            .unwrap()
            .contains("no permission")
    );

    grant(&redis, &["&weir:changed", "~my_worker:*"]);
    watched.recovers().await;
}

#[tokio::test]
async fn revoked_rights_are_reported_at_the_first_denial() {
    let (redis, url) = server();
    let watched = Watched::open(&url);
    watched.recovers().await;

    grant(&redis, &["-set"]);
    assert!(
        watched
            .store
            .put("my_worker:report", &json!(1), MINUTE)
            .await
            .is_err()
    );

    eventually("named", || async {
        watched
            .condition(PART)
            .is_some_and(|why| why.ends_with("ACL SETUSER weir +set"))
    })
    .await;
    grant(&redis, &["+set"]);
    watched.recovers().await;
}
