//! Servers that mean no good, or do not know better.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir::programs::ProgramDirectory;
use weir::sources::{Outside, Source, SourceClient, SourceError};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TIME_LIMIT, failure, open};

fn feed(url: &str, allow_hosts: &[&str], time_limit: Duration) -> Arc<dyn Source> {
    let args = json!({"url": url, "platform": "reddit", "allow_hosts": allow_hosts});
    open("rss", args, time_limit)
}

/// Answers each connection with `head`, then with a byte now and then for as long as somebody listens.
async fn drip(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 1024]).await;
                let _ = socket.write_all(head.as_bytes()).await;
                while socket.write_all(b"<").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
    });
    format!("http://{address}/feed")
}

#[tokio::test]
async fn a_slow_response_is_cut_off_at_the_time_limit() {
    let limit = Duration::from_millis(200);
    for head in ["HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", ""] {
        let url = drip(head).await;
        let began = Instant::now();
        let error = failure(&*feed(&url, &[], limit)).await;
        // A head of nothing but `<` may also be refused as no HTTP at all.
        let expected = matches!(error, SourceError::TooSlow { .. }) || head.is_empty();
        assert!(expected, "{error}");
        assert!(began.elapsed() < limit * 10, "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_body_that_ends_before_its_length_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 1024]).await;
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<rss version=\"2.0\">";
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    let error = failure(&*feed(&url, &[], TIME_LIMIT)).await;
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_huge_body_is_not_read_to_its_end_compressed_or_not() {
    let huge = vec![b' '; 64 * 1024 * 1024];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&huge).unwrap();
    let packed = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(gzip.finish().unwrap());
    for answer in [ResponseTemplate::new(200).set_body_bytes(huge), packed] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let error = failure(&*feed(&server.uri(), &[], TIME_LIMIT)).await;
        assert!(matches!(error, SourceError::TooLong { .. }), "{error}");
    }
}

async fn redirecting(to: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/feed"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", to))
        .mount(&server)
        .await;
    Mock::given(path("/moved"))
        .respond_with(ResponseTemplate::new(200).set_body_string(
            "{\"version\": \"https://jsonfeed.org/version/1\", \"title\": \"t\", \"items\": []}",
        ))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed_but_not_for_ever() {
    let server = redirecting("/moved").await;
    let source = feed(&format!("{}/feed", server.uri()), &[], TIME_LIMIT);
    assert!(
        source
            .fetch(&weir::sources::Position::default(), 10)
            .await
            .is_ok()
    );

    let server = redirecting("/feed").await;
    let error = failure(&*feed(&format!("{}/feed", server.uri()), &[], TIME_LIMIT)).await;
    assert!(error.to_string().contains("too many redirects"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn redirects_to_another_host_are_refused_unless_it_is_allowed_by_name() {
    let target = redirecting("/moved").await;
    let elsewhere = format!("http://localhost:{}/moved", target.address().port());
    let server = redirecting(&elsewhere).await;
    let url = format!("{}/feed", server.uri());
    let error = failure(&*feed(&url, &[], TIME_LIMIT)).await;
    assert!(matches!(error, SourceError::Redirect { .. }), "{error}");
    assert!(target.received_requests().await.unwrap().is_empty());

    let allowed = feed(&url, &["LOCALHOST"], TIME_LIMIT);
    assert!(
        allowed
            .fetch(&weir::sources::Position::default(), 10)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    for to in [
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "file:///etc/passwd",
    ] {
        let server = redirecting(to).await;
        let error = failure(&*feed(&format!("{}/feed", server.uri()), &[], TIME_LIMIT)).await;
        assert!(
            matches!(error, SourceError::Redirect { .. }),
            "{to}: {error}"
        );
    }
}

#[tokio::test]
async fn credentials_are_not_sent_to_the_host_of_a_redirect() {
    let target = redirecting("/moved").await;
    let elsewhere = format!("http://localhost:{}/moved", target.address().port());
    let server = redirecting(&elsewhere).await;
    let args = json!({
        "query": "x", "url": format!("{}/feed", server.uri()), "token_variable": "CARGO_PKG_NAME",
        "allow_hosts": ["localhost"],
    });
    let _ = failure(&*open("twitter_search", args, TIME_LIMIT)).await;
    let told = |requests: &[wiremock::Request]| {
        requests
            .iter()
            .map(|request| request.headers.contains_key("authorization"))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        told(&server.received_requests().await.unwrap()),
        [true].into()
    );
    assert_eq!(
        told(&target.received_requests().await.unwrap()),
        [false].into()
    );
}

#[tokio::test]
async fn retry_after_of_any_host_is_reported() {
    for status in [429, 503] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(status).insert_header("retry-after", "77"))
            .mount(&server)
            .await;
        let error = failure(&*feed(&server.uri(), &[], TIME_LIMIT)).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(77)));
    }
}

#[tokio::test]
async fn a_refused_connection_is_an_error_that_names_the_host() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = failure(&*feed(
        &format!("http://127.0.0.1:{port}/"),
        &[],
        TIME_LIMIT,
    ))
    .await;
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

#[test]
fn invalid_arguments_are_named() {
    for (kind, args, argument) in [
        ("rss", json!({"platform": "reddit"}), "url"),
        (
            "rss",
            json!({"url": "file:///etc/passwd", "platform": "reddit"}),
            "url",
        ),
        (
            "rss",
            json!({"url": "https://a.example", "platform": "myspace"}),
            "platform",
        ),
        (
            "rss",
            json!({"url": "https://a.example", "platform": "reddit", "etag": 1}),
            "etag",
        ),
        ("twitter_search", json!({"query": ""}), "query"),
        (
            "twitter_search",
            json!({"query": "x", "token_variable": ""}),
            "token_variable",
        ),
        (
            "mastodon",
            Value::Object(serde_json::Map::new()),
            "mastodon",
        ),
    ] {
        let refusal = weir::sources::plan(
            kind,
            args.as_object().unwrap(),
            &ProgramDirectory::default(),
        );
        let refusal = refusal.map(drop).unwrap_err().to_string();
        assert!(refusal.contains(argument), "{refusal}");
    }
}

#[test]
fn an_address_that_cannot_be_read_is_refused_without_its_text() {
    for url in [
        json!("http://me:hunter2@a.example:999999/"),
        json!("hunter2"),
        json!("ftp://me:hunter2@a.example/"),
        json!(["hunter2"]),
    ] {
        for (kind, args) in [
            ("rss", json!({"url": url, "platform": "reddit"})),
            ("twitter_search", json!({"url": url, "query": "x"})),
        ] {
            let refusal = weir::sources::plan(
                kind,
                args.as_object().unwrap(),
                &ProgramDirectory::default(),
            );
            let refusal = refusal.map(drop).unwrap_err().to_string();
            assert_eq!(refusal, "url: expected an http or https address");
        }
    }
}

#[tokio::test]
async fn a_private_host_is_reached_only_by_sources_that_name_it() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_string("inside"))
        .mount(&server)
        .await;
    weir_test_support::http_client();
    let shared = Outside::new([].into()).unwrap();
    let named = shared.leading_to(["localhost".to_owned()].into()).unwrap();
    let client = |outside: &Outside| outside.client_for([].into(), TIME_LIMIT);
    let url = format!("http://localhost:{}/", server.address().port());
    let url = url.parse().unwrap();
    let get = async |client: &SourceClient| {
        client
            .get(&url, reqwest::header::HeaderMap::default())
            .await
    };

    // The connection of the one stays open, and its look-up has succeeded.
    assert_eq!(get(&client(&named)).await.unwrap().body, b"inside");
    for other in [
        shared.clone(),
        shared.leading_to([].into()).unwrap(),
        shared.leading_to(["other".to_owned()].into()).unwrap(),
    ] {
        let error = get(&client(&other)).await.unwrap_err().to_string();
        assert!(error.contains("private addresses only"), "{error}");
    }
}
