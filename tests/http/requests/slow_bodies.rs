//! Bodies that arrive slowly, or never.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use weir_test_support::{PATIENCE, Weir, feed_of};

use super::{KEY, connection, metric, start, until_closed};

fn head(path: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// Clients that send a byte now and then, until the server ends their connections.
async fn dripping(weir: &Weir, path: &'static str, clients: usize) -> JoinSet<String> {
    let mut drips = JoinSet::new();
    for _ in 0..clients {
        let client = connection(weir, &head(path, 100_000)).await;
        drips.spawn(async move {
            let (mut read, mut write) = client.into_split();
            let drip = async {
                while write.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            tokio::select! {
                _ = read.read_to_end(&mut answer) => {}
                () = drip => {}
            }
            String::from_utf8_lossy(&answer).into_owned()
        });
    }
    drips
}

async fn is_ranked(weir: &Weir) -> bool {
    let feed = serde_json::to_vec(&feed_of(&["a", "b"])).unwrap();
    weir.post("/rank", feed).await.status() == 200
}

#[tokio::test]
async fn slow_bodies_take_no_permit_from_others() {
    for path in ["/rank", "/score", "/data/scraper", "/jobs"] {
        let weir = start("server.max_in_flight = 4");
        let drips = dripping(&weir, path, 40).await;
        for _ in 0..20 {
            assert!(is_ranked(&weir).await, "among slow bodies of {path}");
        }
        drop(drips);
    }
}

#[tokio::test]
async fn more_slow_bodies_than_may_arrive_push_each_other_out() {
    let weir = start("server.max_bodies_arriving = 8\nserver.max_peer_share = 1.0");
    let mut drips = dripping(&weir, "/rank", 40).await;
    for _ in 0..20 {
        assert!(is_ranked(&weir).await);
    }
    let first = tokio::time::timeout(PATIENCE, drips.join_next()).await;
    let first = first.unwrap().unwrap().unwrap();
    assert!(first.starts_with("HTTP/1.1 503"), "{first}");
    assert!(first.contains("retry-after: 1"), "{first}");
    assert!(metric(&weir, "weir_bodies_refused_total", "\"evicted\"").await >= 32.0);
    assert!(metric(&weir, "weir_bodies_arriving", "").await <= 8.0);
    assert!(weir.log().contains("too many request bodies are arriving"));
}

#[tokio::test]
async fn a_body_below_the_least_rate_is_408_before_its_time_is_up() {
    let weir = start("server.body_timeout = \"10m\"");
    let mut drips = dripping(&weir, "/rank", 1).await;
    let answer = tokio::time::timeout(PATIENCE, drips.join_next()).await;
    let answer = answer.unwrap().unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.contains("less than 1000 bytes per second"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_408_and_its_connection_ends() {
    let weir = start("server.body_timeout = \"300ms\"");
    let mut client = connection(&weir, &head("/rank", 10)).await;
    client.write_all(b"{}").await.unwrap();
    let answer = until_closed(client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

/// Sends chunks until the server ends the connection, and answers what it sent.
async fn send_without_end(weir: &Weir, request_line: &str) -> String {
    let head = format!("{request_line} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    let client = connection(weir, head.as_bytes()).await;
    let (mut read, mut write) = client.into_split();
    let sender = tokio::spawn(async move {
        let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
        while write.write_all(chunk.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut answer = Vec::new();
    let end = tokio::time::timeout(PATIENCE, read.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "the connection of {request_line} stays open");
    sender.abort();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_without_end_ends_its_connection_on_every_route() {
    let weir = start("server.max_body_bytes = 20000");
    for (request_line, status) in [
        ("POST /rank", "413"),
        ("POST /score", "413"),
        ("POST /jobs", "401"),
        ("POST /nothing", "404"),
        ("PUT /rank", "405"),
        ("GET /health/live", "200"),
        ("GET /metrics", "200"),
    ] {
        let answer = send_without_end(&weir, request_line).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&expected), "{request_line}: {answer}");
    }
}

#[tokio::test]
async fn bodies_hold_no_more_memory_than_they_may_and_those_that_stall_give_it_up() {
    let weir = start(
        "server.max_body_bytes = 1000000\nserver.max_body_bytes_in_flight = 4000000\n\
         server.max_peer_share = 1.0\nserver.min_body_bytes_per_second = 0\n\
         server.body_timeout = \"10m\"",
    );
    let mut stalled = Vec::new();
    for _ in 0..6 {
        let mut client = connection(&weir, &head("/rank", 1_000_000)).await;
        client.write_all(&vec![b' '; 900_000]).await.unwrap();
        stalled.push(client);
    }
    let deadline = Instant::now() + PATIENCE;
    while metric(&weir, "weir_bodies_refused_total", "\"no_room\"").await == 0.0 {
        assert!(Instant::now() < deadline, "nothing was refused");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(metric(&weir, "weir_body_bytes_in_flight", "").await <= 4_000_000.0);
    // Those that hold the memory are older by now, or soon will be.
    while !is_ranked(&weir).await {
        assert!(Instant::now() < deadline, "nobody is let in");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(weir.log().contains("hold too much memory"));
    drop(stalled);
    while metric(&weir, "weir_body_bytes_in_flight", "").await > 0.0 {
        assert!(
            Instant::now() < deadline,
            "memory of connections that ended stays held"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
