//! Requests of every kind, and the metrics that count them.

use reqwest::header;
use serde_json::{Value, json};
use weir_test_support::{PATIENCE, feed_of, http_client};

use super::with_redis;

#[tokio::test]
async fn bad_requests_name_the_path() {
    let (weir, _redis) = with_redis("server.max_body_bytes = 100000\nserver.max_items = 3");
    let mut bad = serde_json::to_value(feed_of(&["a", "b"])).unwrap();
    bad["items"][1]["created_at"] = json!("soon");
    let refused = weir.post("/rank", bad.to_string()).await;
    assert_eq!(refused.status(), 400);
    let error: Value = refused.json().await.unwrap();
    assert_eq!(error["path"], "items[1].created_at");

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

    let (weir, _redis) = with_redis("server.body_timeout = \"100ms\"");
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
        "weir_actor_running{actor=\"snapshot.entities\"} 1",
        "weir_scorer_pool_items_scored_total{actor=\"scorer_pool.sentiment\"} 2",
    ] {
        assert!(
            metrics.lines().any(|shown| shown == line),
            "{line} is not in\n{metrics}"
        );
    }
}
