//! Deadlines, admission, and scorers that are slow or fail.

use std::time::{Duration, Instant};

use reqwest::header;
use serde_json::{Value, json};
use weir_test_support::{feed_of, top_entities};

use super::{put, with_redis};

/// Longest time past a deadline that a busy test machine is allowed.
const SLACK: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_scorer_that_sleeps_does_not_delay_the_answer() {
    let (weir, _redis) = with_redis(
        "ranking.policy = \"slow\"\nranking.deadline = \"2s\"\n\
         [policies.slow]\nentity_weight = 0.0\nweights = { asleep = 1.0, sentiment = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"10s\"\ntime_limit = \"1m\"",
    );
    let feed = feed_of(&["I hate this horrible war", "I love this wonderful day"]);
    let begun = Instant::now();
    let (order, metadata) = weir.rank(&feed).await;
    assert!(begun.elapsed() < Duration::from_secs(2) + SLACK);
    assert_eq!(order, [1, 0], "what was known in time is used");
    assert_eq!(metadata["intervention_on"], true);
    assert_eq!(
        metadata["degraded"],
        json!([{"part": "asleep", "missed": 2, "why": "timeout"}])
    );
}

#[tokio::test]
async fn a_request_may_lower_the_deadline_and_not_raise_it() {
    let (weir, _redis) = with_redis(
        "ranking.policy = \"slow\"\nranking.deadline = \"2s\"\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"1m\"\ntime_limit = \"1m\"",
    );
    let took = async |deadline: &str| {
        let begun = Instant::now();
        let body = serde_json::to_vec(&feed_of(&["a"])).unwrap();
        let request = weir
            .client
            .post(weir.url("/rank"))
            .header("X-Deadline-Ms", deadline)
            .body(body);
        (
            request.send().await.unwrap().status().as_u16(),
            begun.elapsed(),
        )
    };
    let (status, lowered) = took("50").await;
    assert!(
        status == 200 && lowered < Duration::from_millis(1_900),
        "{lowered:?}"
    );
    let (status, raised) = took("60000").await;
    assert!(
        status == 200 && raised < Duration::from_secs(2) + SLACK,
        "{raised:?}"
    );
    assert_eq!(took("soon").await.0, 400);
}

#[tokio::test]
async fn scorers_that_panic_or_fail_cost_their_scores_only() {
    let (weir, redis) = with_redis(
        "ranking.policy = \"bad\"\n[policies.bad]\nweights = { panics = 1.0, fails = 1.0 }\n\
         [scorers.panics]\nkind = \"random\"\npanic_rate = 1.0\n[scorers.fails]\nkind = \"random\"\nfail_rate = 1.0",
    );
    put(&redis, &top_entities(&["Trump"]));
    weir.counted("snapshot.entities", "entries", 1).await;
    let (order, metadata) = weir.rank(&feed_of(&["Trump", "a", "b"])).await;
    assert_eq!(order, [1, 2, 0]);
    let missed = [("panics", "panic"), ("fails", "error")];
    for degraded in metadata["degraded"].as_array().unwrap() {
        let pair = (
            degraded["part"].as_str().unwrap(),
            degraded["why"].as_str().unwrap(),
        );
        assert!(
            missed.contains(&pair) && degraded["missed"] == 3,
            "{degraded}"
        );
    }
    assert_eq!(metadata["degraded"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn over_the_limit_of_requests_in_flight_the_answer_is_503_with_retry_after() {
    let (weir, _redis) = with_redis(
        "server.max_in_flight = 1\nranking.policy = \"slow\"\nranking.deadline = \"5s\"\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"1m\"\ntime_limit = \"1m\"",
    );
    let body = serde_json::to_vec(&feed_of(&["a"])).unwrap();
    let first = tokio::spawn(
        weir.client
            .post(weir.url("/rank"))
            .body(body.clone())
            .send(),
    );
    weir.counted("scorer_pool.asleep", "requests", 1).await;

    let refused = weir.post("/rank", body).await;

    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    let error: Value = refused.json().await.unwrap();
    assert_eq!(error["code"], "overloaded");
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_disconnects_cancels_its_work() {
    let (weir, _redis) = with_redis(
        "ranking.policy = \"slow\"\nranking.deadline = \"20s\"\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"20s\"\ntime_limit = \"1m\"",
    );
    let body = serde_json::to_vec(&feed_of(&["a"])).unwrap();
    let hasty = weir
        .client
        .post(weir.url("/rank"))
        .timeout(Duration::from_millis(200))
        .body(body);
    assert!(hasty.send().await.unwrap_err().is_timeout());
    let abandoned = async {
        loop {
            let counted =
                async |name: &str| weir.counters(name).await["abandoned"].as_u64().unwrap();
            if counted("ranker.1").await + counted("ranker.2").await == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), abandoned)
        .await
        .unwrap();
}
