//! `/rank` of a real server on real stores.

use std::time::{Duration, Instant};

use crate::common::postgres::Postgres;
use crate::common::redis::Redis;
use crate::common::weir::{PATIENCE, Weir, feed_of, http_client, places, top_entities};
use reqwest::header;
use serde_json::{Value, json};

const KEY: &str = "my_worker:scheduled:top_named_entities";

/// No schedule overwrites what the tests put under the key.
const STILL: &str = "schedules.top_named_entities.enabled = false\n";

/// A Weir on a Redis that others write to, as any program of the challenge would.
fn with_redis(settings: &str) -> (Weir, Redis) {
    let redis = Redis::start();
    let weir = Weir::start(&format!(
        "{STILL}results.redis_url = {:?}\n{settings}",
        redis.url()
    ));
    (weir, redis)
}

fn put(redis: &Redis, value: &Value) {
    let _: () = redis::cmd("SET")
        .arg(KEY)
        .arg(value.to_string())
        .query(&mut redis.connection())
        .unwrap();
}

#[tokio::test]
async fn posts_that_name_a_top_entity_go_last_and_the_order_is_kept_within() {
    let (weir, redis) = with_redis("");
    put(&redis, &top_entities(&["NASA", "Trump"]));
    weir.counted("entity_board", "entities", 2).await;

    let feed = feed_of(&[
        "Trump wins",
        "a dog",
        "NASA's new rocket",
        "a trumpet",
        "calm lake",
    ]);
    let (order, metadata) = weir.rank(&feed).await;

    assert_eq!(order, [1, 3, 4, 0, 2]);
    assert_eq!(
        metadata,
        json!({"intervention_on": true, "policy": "entities"})
    );
}

#[tokio::test]
async fn without_entities_the_order_is_the_incoming_one_and_says_so() {
    let (weir, _redis) = with_redis("");
    let (order, metadata) = weir.rank(&feed_of(&["Trump wins", "a dog"])).await;
    assert_eq!(order, [0, 1]);
    assert_eq!(metadata["intervention_on"], false);
    assert_eq!(
        metadata["degraded"],
        json!([{"part": "entities", "missed": 2, "why": "no top entities yet"}])
    );
}

#[tokio::test]
async fn entities_that_are_too_old_are_not_used() {
    let (weir, redis) = with_redis("ranking.max_entity_age = \"1h\"");
    let mut old = top_entities(&["Trump"]);
    old["timestamp"] = json!("2024-06-04T01:02:22");
    put(&redis, &old);
    weir.counted("entity_board", "entities", 1).await;

    let (order, metadata) = weir.rank(&feed_of(&["Trump wins", "a dog"])).await;

    assert_eq!(order, [0, 1]);
    assert_eq!(metadata["degraded"][0]["why"], "top entities too old");
}

#[tokio::test]
async fn calm_puts_the_pleasant_before_the_unpleasant() {
    let (weir, redis) = with_redis("ranking.policy = \"calm\"");
    put(&redis, &json!(["Trump"]));
    weir.counted("entity_board", "entities", 1).await;
    let feed = feed_of(&[
        "I hate this horrible war",
        "Trump is great",
        "a table",
        "I love this wonderful day",
    ]);
    let (order, metadata) = weir.rank(&feed).await;
    assert_eq!(order, [3, 2, 0, 1]);
    assert_eq!(metadata["policy"], "calm");
}

#[tokio::test]
async fn the_admin_may_choose_the_policy_and_ask_for_reasons() {
    let (weir, redis) = with_redis("auth.admin = [\"key\"]");
    put(&redis, &top_entities(&["Trump"]));
    let feed = feed_of(&["Trump is great", "what a horrible day"]);
    let body = serde_json::to_vec(&feed).unwrap();
    let asked = |query: &str| {
        weir.client
            .post(weir.url(&format!("/rank?{query}")))
            .body(body.clone())
    };

    while asked("explain=true")
        .bearer_auth("key")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
        .contains("degraded")
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(asked("policy=calm").send().await.unwrap().status(), 401);
    assert_eq!(
        asked("policy=calm")
            .bearer_auth("other")
            .send()
            .await
            .unwrap()
            .status(),
        403
    );
    assert_eq!(
        asked("policy=none")
            .bearer_auth("key")
            .send()
            .await
            .unwrap()
            .status(),
        400
    );
    let answer: Value = asked("policy=calm&explain=true")
        .bearer_auth("key")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(places(&feed, &answer), [1, 0]);
    assert_eq!(answer["metadata"]["policy"], "calm");
    let reasons = &answer["explanation"];
    assert_eq!(reasons[1]["entity"], "Trump");
    assert!(reasons[0]["scores"]["sentiment"].as_f64().unwrap() < -0.3);
    assert!(reasons[0]["value"].as_f64().unwrap() > reasons[1]["value"].as_f64().unwrap());
}

#[tokio::test]
async fn minimal_metadata_keeps_an_experiment_blind() {
    let (weir, _redis) = with_redis("ranking.metadata = \"minimal\"");
    let (_, metadata) = weir.rank(&feed_of(&["a", "b"])).await;
    assert_eq!(metadata, json!({"intervention_on": false}));
}

/// Longest time past a deadline that a busy test machine is allowed.
const SLACK: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_scorer_that_sleeps_does_not_delay_the_answer() {
    let (weir, _redis) = with_redis(
        "ranking.policy = \"slow\"\nranking.deadline_ms = 2000\n\
         [policies.slow]\nentity_weight = 0.0\nweights = { asleep = 1.0, sentiment = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep_ms = 10000\ntime_limit_ms = 60000",
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
        "ranking.policy = \"slow\"\nranking.deadline_ms = 2000\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep_ms = 60000\ntime_limit_ms = 60000",
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
    weir.counted("entity_board", "entities", 1).await;
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
async fn past_what_is_admitted_the_answer_is_503_with_retry_after() {
    let (weir, _redis) = with_redis(
        "server.max_in_flight = 1\nranking.policy = \"slow\"\nranking.deadline_ms = 5000\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep_ms = 60000\ntime_limit_ms = 60000",
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
    assert_eq!(error["error"]["code"], "unavailable");
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_caller_that_hangs_up_calls_its_work_off() {
    let (weir, _redis) = with_redis(
        "ranking.policy = \"slow\"\nranking.deadline_ms = 20000\n\
         [policies.slow]\nweights = { asleep = 1.0 }\n\
         [scorers.asleep]\nkind = \"random\"\nsleep_ms = 20000\ntime_limit_ms = 60000",
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

#[tokio::test]
async fn bad_requests_are_told_the_place() {
    let (weir, _redis) = with_redis("server.max_body_bytes = 100000\nserver.max_items = 3");
    let mut bad = serde_json::to_value(feed_of(&["a", "b"])).unwrap();
    bad["items"][1]["created_at"] = json!("soon");
    let refused = weir.post("/rank", bad.to_string()).await;
    assert_eq!(refused.status(), 400);
    let error: Value = refused.json().await.unwrap();
    assert_eq!(error["error"]["path"], "items[1].created_at");

    let status = async |body: Vec<u8>| weir.post("/rank", body).await.status().as_u16();
    assert_eq!(
        status(serde_json::to_vec(&feed_of(&["a"; 4])).unwrap()).await,
        413
    );
    assert_eq!(status(vec![b' '; 100_001]).await, 413);
    assert_eq!(weir.get("/rank").await.status(), 405);
    assert_eq!(weir.get("/nothing").await.status(), 404);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_408() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (weir, _redis) = with_redis("server.body_timeout_ms = 100");
    let address = weir.url("").replace("http://", "");
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    connection
        .write_all(b"POST /rank HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{")
        .await
        .unwrap();
    let mut answer = [0; 12];
    tokio::time::timeout(PATIENCE, connection.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn gzip_goes_both_ways_and_does_not_slip_past_the_limit() {
    use std::io::Write;

    let (weir, _redis) = with_redis("server.max_body_bytes = 100000");
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let post = |body: Vec<u8>| {
        let request = client
            .post(weir.url("/rank"))
            .header(header::CONTENT_ENCODING, "gzip");
        request.header(header::ACCEPT_ENCODING, "gzip").body(body)
    };
    let feed = feed_of(&["text"; 60]);
    let answer = post(gzip(&serde_json::to_vec(&feed).unwrap()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            &answer.headers()[header::CONTENT_ENCODING]
        ),
        (200, &"gzip".parse().unwrap())
    );
    assert_eq!(
        post(gzip(&vec![b' '; 1_000_000]))
            .send()
            .await
            .unwrap()
            .status(),
        413
    );
    assert_eq!(
        post(b"not gzip".to_vec()).send().await.unwrap().status(),
        400
    );
}

#[tokio::test]
async fn a_web_page_may_rank_and_may_not_see_the_actors() {
    let (weir, _redis) = with_redis("server.cors_origins = [\"https://www.reddit.com\"]");
    let page = http_client()
        .get(weir.url("/actors"))
        .header(header::ORIGIN, "https://www.reddit.com");
    assert_eq!(page.send().await.unwrap().status(), 401);
    assert_eq!(weir.get("/actors").await.status(), 200);

    let rank = |origin: &str| {
        let body = serde_json::to_vec(&feed_of(&["a"])).unwrap();
        weir.client
            .post(weir.url("/rank"))
            .header(header::ORIGIN, origin)
            .body(body)
    };
    let allowed = rank("https://www.reddit.com").send().await.unwrap();
    assert_eq!(
        allowed.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        "https://www.reddit.com"
    );
    let foreign = rank("https://a.example").send().await.unwrap();
    assert_eq!(
        foreign.status(),
        200,
        "the browser keeps the answer from the page"
    );
    assert!(
        !foreign
            .headers()
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
}

#[tokio::test]
async fn losing_redis_changes_no_status_and_the_metadata_says_so() {
    let (weir, redis) = with_redis("");
    put(&redis, &top_entities(&["Trump"]));
    weir.counted("entity_board", "entities", 1).await;
    let feed = feed_of(&["Trump", "a"]);
    drop(redis);

    let away = async {
        loop {
            let (order, metadata) = weir.rank(&feed).await;
            assert_eq!(order, [1, 0], "the entities known before are still used");
            if metadata["degraded"] == json!([{"part": "results", "missed": 0, "why": "away"}]) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, away).await.unwrap();
    let ready = weir.get("/health/ready").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(
        ready["degraded"],
        json!([{"part": "results", "why": "unreachable"}])
    );
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_found_when_it_comes() {
    let (mut weir, mut redis) = with_redis("");
    redis.kill();
    weir.kill();
    weir.start_again();
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);

    redis.start_again();
    put(&redis, &top_entities(&["Trump"]));

    weir.counted("entity_board", "entities", 1).await;
    assert_eq!(weir.rank(&feed_of(&["Trump", "a"])).await.0, [1, 0]);
}

#[tokio::test]
async fn a_weir_whose_database_is_away_ranks_and_migrates_when_it_comes() {
    let postgres = Postgres::start();
    let url = postgres.fresh_database();
    postgres.crash();
    let weir = Weir::start(&format!(
        "{STILL}database.url = {url:?}\ndatabase.connect_timeout_ms = 500"
    ));
    assert_eq!(weir.rank(&feed_of(&["a"])).await.0, [0]);
    weir.when("/health/ready", |ready| {
        ready["status"] == "ready" && ready["degraded"][0]["part"] == "database"
    })
    .await;

    postgres.start_again();
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
}

#[tokio::test]
async fn metrics_count_requests_and_show_every_actor() {
    let (weir, _redis) = with_redis("ranking.policy = \"calm\"");
    weir.rank(&feed_of(&["a", "b"])).await;
    let metrics = weir.get("/metrics").await;
    assert_eq!(
        metrics.headers()[header::CONTENT_TYPE],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let metrics = metrics.text().await.unwrap();
    for line in [
        "weir_rank_total{outcome=\"degraded\"} 1",
        "weir_rank_seconds_count 1",
        "weir_actor_running{actor=\"entity_board\"} 1",
        "weir_actor_counter{actor=\"scorer_pool.sentiment\",counter=\"scored\"} 2",
    ] {
        assert!(
            metrics.lines().any(|shown| shown == line),
            "{line} is not in\n{metrics}"
        );
    }
}
