//! Values under keys: what every results store does alike.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use weir::store::{StoreError, Stored};

use crate::common::stores::{TestStore, on_every_store, sees, within};

const MINUTE: Duration = Duration::from_mins(1);
/// Generous for a notification, far below the second after which polling would find out.
const AT_ONCE: Duration = Duration::from_millis(400);
/// A poll each second, and some time for a loaded machine.
const ABOUT_A_SECOND: Duration = Duration::from_millis(1500);

on_every_store!(
    a_value_comes_back_with_the_time_it_was_written,
    bytes_come_back_as_they_are,
    a_key_that_was_never_written_has_no_value,
    a_second_put_replaces_the_value_and_its_time_to_live,
    a_value_expires,
    a_deleted_value_is_gone,
    a_shared_key_is_read_and_written_like_any_other,
    a_value_over_the_limit_is_refused_by_name_and_size,
    an_invalid_key_is_refused,
    a_watcher_sees_a_write_at_once,
    a_watcher_sees_what_was_there_before_it,
    a_watcher_sees_deletion_and_expiry,
    a_watcher_sees_the_write_of_another_process_within_about_a_second,
    a_watcher_is_not_woken_by_other_keys,
    handles_opened_at_once_on_a_new_store_all_work,
    expired_values_make_room_by_themselves,
    one_of_many_concurrent_callers_gets_a_claim,
    the_first_claims_that_are_free_are_taken_and_looking_takes_none,
    a_claim_is_free_again_after_its_time,
);

fn is(value: &Value) -> impl Fn(&Option<Stored>) -> bool {
    move |stored| {
        stored
            .as_ref()
            .is_some_and(|stored| stored.json::<Value>().unwrap() == *value)
    }
}

async fn a_value_comes_back_with_the_time_it_was_written(store: TestStore) {
    let value = json!({"top": [["Ada", 3]], "text": "a\u{0}b \u{1F600}"});

    store.put("report", &value, MINUTE).await.unwrap();

    let stored = store.get("report").await.unwrap().unwrap();
    assert_eq!(stored.json::<Value>().unwrap(), value);
    let age = Utc::now() - stored.written_at().unwrap();
    assert!(age.abs() < TimeDelta::seconds(5), "{age}");
}

async fn bytes_come_back_as_they_are(store: TestStore) {
    let bytes: Vec<u8> = (0..=255).collect();
    store.put_bytes("raw", bytes.clone(), MINUTE).await.unwrap();
    assert_eq!(store.get("raw").await.unwrap().unwrap().bytes(), bytes);

    store.put_bytes("empty", Vec::new(), MINUTE).await.unwrap();
    assert_eq!(store.get("empty").await.unwrap().unwrap().bytes(), b"");
}

async fn a_key_that_was_never_written_has_no_value(store: TestStore) {
    assert_eq!(store.get("nothing").await.unwrap(), None);
    assert_eq!(store.get("my_worker:nothing").await.unwrap(), None);
    assert!(!store.delete("nothing").await.unwrap());
}

async fn a_second_put_replaces_the_value_and_its_time_to_live(store: TestStore) {
    let (first, second) = (json!(1), json!(2));
    let begun = Instant::now();
    store
        .put("n", &first, Duration::from_millis(300))
        .await
        .unwrap();
    store.put("n", &second, MINUTE).await.unwrap();

    let mut watched = store.watch("n").unwrap();
    sees(ABOUT_A_SECOND, &mut watched, is(&second)).await;
    tokio::time::sleep_until((begun + Duration::from_millis(350)).into()).await;

    assert_eq!(store.get("n").await.unwrap().unwrap().bytes(), b"2");
}

async fn a_value_expires(store: TestStore) {
    let ttl = Duration::from_millis(200);
    for key in ["brief", "my_worker:brief"] {
        store.put(key, &json!("here"), ttl).await.unwrap();
        let put = Instant::now();
        let mut lived = Duration::ZERO;
        while store.get(key).await.unwrap().is_some() {
            lived = put.elapsed();
            assert!(lived < ttl * 3, "{key} is still there");
            tokio::task::yield_now().await;
        }
        assert!(lived > ttl / 2, "{key} lived {lived:?}");
        assert!(!store.delete(key).await.unwrap(), "expired is gone");
    }
}

async fn a_deleted_value_is_gone(store: TestStore) {
    for key in ["report", "my_worker:report"] {
        store.put(key, &json!(1), MINUTE).await.unwrap();
        assert!(store.delete(key).await.unwrap());
        assert_eq!(store.get(key).await.unwrap(), None);
        assert!(!store.delete(key).await.unwrap());
    }
}

async fn a_shared_key_is_read_and_written_like_any_other(store: TestStore) {
    let (own, shared) = (json!("own"), json!({"top_named_entities": []}));
    store.put("scheduled", &own, MINUTE).await.unwrap();
    store
        .put("my_worker:scheduled", &shared, MINUTE)
        .await
        .unwrap();

    let stored = store.get("my_worker:scheduled").await.unwrap();
    assert!(is(&shared)(&stored));
    assert!(is(&own)(&store.get("scheduled").await.unwrap()));
}

async fn a_value_over_the_limit_is_refused_by_name_and_size(store: TestStore) {
    let limit = store.settings.max_value_bytes;
    store
        .put_bytes("large", vec![b'x'; limit], MINUTE)
        .await
        .unwrap();

    let refusal = store
        .put_bytes("large", vec![b'y'; limit + 1], MINUTE)
        .await;

    assert!(matches!(
        refusal.unwrap_err(),
        StoreError::TooLarge { key, bytes, .. } if key == "large" && bytes == limit + 1
    ));
    assert_eq!(store.get("large").await.unwrap().unwrap().bytes()[0], b'x');
}

async fn an_invalid_key_is_refused(store: TestStore) {
    for key in ["", "a\0b", "line\nbreak"] {
        let refusals = [
            store.put(key, &json!(1), MINUTE).await.unwrap_err(),
            store.get(key).await.unwrap_err(),
            store.delete(key).await.unwrap_err(),
            store.watch(key).unwrap_err(),
        ];
        assert!(
            refusals
                .iter()
                .all(|refusal| matches!(refusal, StoreError::InvalidKey { .. })),
            "{key:?}"
        );
    }
}

async fn a_watcher_sees_a_write_at_once(store: TestStore) {
    for key in ["report", "my_worker:report"] {
        let mut watched = store.watch(key).unwrap();
        // The first write may come before the watcher has subscribed; the rest find it listening.
        store.put(key, &json!(0), MINUTE).await.unwrap();
        sees(ABOUT_A_SECOND, &mut watched, is(&json!(0))).await;
        for n in 1..=20 {
            store.put(key, &json!(n), MINUTE).await.unwrap();
            sees(AT_ONCE, &mut watched, is(&json!(n))).await;
        }
    }
}

async fn a_watcher_sees_what_was_there_before_it(store: TestStore) {
    store.put("report", &json!("old"), MINUTE).await.unwrap();
    let mut watched = store.watch("report").unwrap();
    sees(ABOUT_A_SECOND, &mut watched, is(&json!("old"))).await;
}

async fn a_watcher_sees_deletion_and_expiry(store: TestStore) {
    let mut watched = store.watch("report").unwrap();
    store.put("report", &json!(1), MINUTE).await.unwrap();
    sees(ABOUT_A_SECOND, &mut watched, Option::is_some).await;
    store.delete("report").await.unwrap();
    sees(ABOUT_A_SECOND, &mut watched, Option::is_none).await;

    store
        .put("report", &json!(2), Duration::from_millis(300))
        .await
        .unwrap();
    sees(ABOUT_A_SECOND, &mut watched, Option::is_some).await;
    sees(ABOUT_A_SECOND, &mut watched, Option::is_none).await;
}

async fn a_watcher_sees_the_write_of_another_process_within_about_a_second(store: TestStore) {
    let foreign = store.another();
    let mut watched = store.watch("my_worker:report").unwrap();
    for n in 0..2 {
        foreign
            .put("my_worker:report", &json!(n), MINUTE)
            .await
            .unwrap();
        sees(ABOUT_A_SECOND, &mut watched, is(&json!(n))).await;
    }
}

async fn a_watcher_is_not_woken_by_other_keys(store: TestStore) {
    store.put("one", &json!(1), MINUTE).await.unwrap();
    let mut watched = store.watch("one").unwrap();
    sees(ABOUT_A_SECOND, &mut watched, Option::is_some).await;
    watched.mark_unchanged();

    store.put("another", &json!(2), MINUTE).await.unwrap();
    // Long enough for a poll, which finds the same value.
    tokio::time::sleep(ABOUT_A_SECOND).await;

    assert!(!watched.has_changed().unwrap());
}

async fn handles_opened_at_once_on_a_new_store_all_work(store: TestStore) {
    let handles: Vec<_> = (0..6).map(|_| store.another()).collect();
    let value = json!(1);
    let puts = handles
        .iter()
        .map(|handle| handle.put("first", &value, MINUTE));
    let outcomes = within(Duration::from_secs(5), futures_util::future::join_all(puts)).await;
    for outcome in outcomes {
        outcome.unwrap();
    }
}

async fn expired_values_make_room_by_themselves(store: TestStore) {
    for n in 0..20 {
        let key = format!("brief:{n}");
        store
            .put(&key, &json!(n), Duration::from_millis(1))
            .await
            .unwrap();
    }
    let mut left = store.count_keys("brief:").await;
    let begun = Instant::now();
    while left > 1 {
        assert!(begun.elapsed() < ABOUT_A_SECOND, "{left} left");
        store
            .put("brief:sweeper", &json!(0), Duration::from_millis(1))
            .await
            .unwrap();
        left = store.count_keys("brief:").await;
    }
}

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("user:{number}")).collect()
}

async fn one_of_many_concurrent_callers_gets_a_claim(store: TestStore) {
    let asking = (0..16).map(|number| {
        let results = if number % 2 == 0 {
            store.clone()
        } else {
            store.another()
        };
        tokio::spawn(async move { results.claim(&names(0..40), 5, MINUTE).await.unwrap() })
    });
    let mut had = Vec::new();
    for one in asking.collect::<Vec<_>>() {
        had.extend(one.await.unwrap());
    }
    // Whoever is overtaken between looking and taking has fewer; nobody has what another has.
    let taken = had.len();
    had.sort_unstable();
    had.dedup();
    assert_eq!(had.len(), taken);
    let left = store.claim(&names(0..40), 40, MINUTE).await.unwrap();
    assert_eq!(left.len() + taken, 40);
}

async fn the_first_claims_that_are_free_are_taken_and_looking_takes_none(store: TestStore) {
    let all = names(0..4);
    let claims = |most| store.claim(&all, most, MINUTE);
    store.claim(&names(1..2), 1, MINUTE).await.unwrap();
    let look = store.unclaimed(&all, 2);
    assert_eq!(look.await.unwrap(), [0, 2]);
    assert_eq!(claims(2).await.unwrap(), [0, 2]);
    assert_eq!(claims(2).await.unwrap(), [3]);
    assert!(claims(2).await.unwrap().is_empty());
    assert!(store.claim(&[], 2, MINUTE).await.unwrap().is_empty());
}

async fn a_claim_is_free_again_after_its_time(store: TestStore) {
    let one = names(0..1);
    let claim = |ttl| store.claim(&one, 1, ttl);
    let short = Duration::from_millis(50);
    assert_eq!(claim(short).await.unwrap(), [0]);
    within(ABOUT_A_SECOND, async {
        while claim(MINUTE).await.unwrap().is_empty() {}
    })
    .await;
    assert!(claim(MINUTE).await.unwrap().is_empty());
}
