//! Requests as metrics, the log and the answers themselves tell of them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::Value;
use uuid::Uuid;
use weir_test_support::{PATIENCE, Weir, eventually, feed_of};

use crate::server::{QUIET, Server};

const WEIR: &str = env!("CARGO_BIN_EXE_weir");

fn id_of(answer: &Response) -> String {
    let id = answer.headers().get("x-request-id").expect("a request id");
    id.to_str().unwrap().to_owned()
}

/// The value of the series of a metric that has these labels.
async fn series(server: &Server, metric: &str, method: &str, route: &str, status: u16) -> f64 {
    let labels = [
        format!("http_request_method=\"{method}\""),
        format!("http_route=\"{route}\""),
        format!("http_response_status_code=\"{status}\""),
    ];
    let metrics = server.get("/metrics").await;
    let line = metrics.lines().find(|line| {
        line.starts_with(&format!("{metric}{{")) && labels.iter().all(|label| line.contains(label))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or_default()
}

/// Waits until the series has this value: a request is recorded just after its response was sent.
async fn until_series(
    server: &Server,
    (metric, method, route, status): (&str, &str, &str, u16),
    value: f64,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = series(server, metric, method, route, status).await;
        if (found - value).abs() < 0.5 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{metric} of {method} {route} {status} is {found}, not {value}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const COUNT: &str = "http_server_request_duration_seconds_count";

#[tokio::test]
async fn every_request_is_counted_by_method_route_and_status() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let brew = Method::from_bytes(b"BREW").unwrap();
    let requests = [
        (Method::POST, "/rank", "{", ("POST", "/v1/rank", 400)),
        (Method::POST, "/r%61nk", "{", ("POST", "/v1/rank", 400)),
        (Method::POST, "/v1/rank", "{", ("POST", "/v1/rank", 400)),
        (Method::DELETE, "/rank", "", ("DELETE", "/v1/rank", 405)),
        (Method::GET, "/v1/nothing/of/the/kind", "", ("GET", "", 404)),
        (Method::GET, "/jobs/1", "", ("GET", "/v1/jobs/{id}", 401)),
        (
            Method::GET,
            "/results/a/b?c=d",
            "",
            ("GET", "/v1/results/{key}", 401),
        ),
        (brew.clone(), "/rank", "", ("_OTHER", "/v1/rank", 405)),
        (brew, "/nothing", "", ("_OTHER", "", 404)),
    ];
    for (method, path, body, _) in &requests {
        server.send(method, path, body, &[]).await;
    }
    for (_, _, _, (method, route, status)) in requests {
        let times = if (method, route, status) == ("POST", "/v1/rank", 400) {
            3.0
        } else {
            1.0
        };
        until_series(&server, (COUNT, method, route, status), times).await;
    }
    server.rank().await;
    until_series(&server, (COUNT, "POST", "/v1/rank", 200), 1.0).await;
    let metrics = server.get("/metrics").await;
    for name in [
        "http_server_request_duration_seconds",
        "http_server_request_body_size_bytes",
        "http_server_response_body_size_bytes",
        "http_server_active_requests",
    ] {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name}");
    }
    assert!(metrics.contains("http_server_active_requests{http_request_method=\"GET\"} 1"));
}

#[tokio::test]
async fn invented_methods_and_paths_make_no_series() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let series = async || -> BTreeSet<String> {
        let metrics = server.get("/metrics").await;
        let lines = metrics
            .lines()
            .filter(|line| line.starts_with("http_server_request_duration"));
        lines
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    let mut sizes = Vec::new();
    for round in 0..2 {
        for number in 0..50 {
            let method = Method::from_bytes(format!("M{round}X{number}").as_bytes()).unwrap();
            server.send(&method, "/rank", "", &[]).await;
            server
                .send(&Method::GET, &format!("/jobs/{round}-{number}"), "", &[])
                .await;
            server
                .send(&Method::GET, &format!("/{round}/{number}"), "", &[])
                .await;
        }
        until_series(
            &server,
            (COUNT, "GET", "", 404),
            f64::from(50 * (round + 1)),
        )
        .await;
        until_series(
            &server,
            (COUNT, "_OTHER", "/v1/rank", 405),
            f64::from(50 * (round + 1)),
        )
        .await;
        sizes.push(series().await);
    }
    assert_eq!(sizes[0], sizes[1]);
}

#[tokio::test]
async fn bodies_are_measured_as_they_are_sent() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let feed = serde_json::to_string(&feed_of(&["a post"])).unwrap();
    let plain = ("accept-encoding", "identity");
    let answer = server.send(&Method::POST, "/rank", &feed, &[plain]).await;
    let answered = answer.bytes().await.unwrap().len();
    let sum = |side: &str| format!("http_server_{side}_body_size_bytes_sum");
    let label = |metric: &str, value: usize| (metric.to_owned(), value as f64);
    for (metric, value) in [
        label(&sum("request"), feed.len()),
        label(&sum("response"), answered),
    ] {
        until_series(&server, (&metric, "POST", "/v1/rank", 200), value).await;
    }
}

#[tokio::test]
async fn a_client_that_disconnects_is_counted_and_leaves_nothing_in_flight() {
    let settings = format!(
        "{QUIET}ranking.policy = \"slow\"\nranking.deadline = \"20s\"\n\
         [policies.slow]\nentity_weight = 0.0\nweights = {{ asleep = 1.0 }}\n\
         [scorers.asleep]\nkind = \"random\"\nsleep = \"1m\"\ntime_limit = \"1m\""
    );
    let server = Server::start(&settings, &[WEIR], Stdio::null()).await;
    let feed = serde_json::to_string(&feed_of(&["a post"])).unwrap();
    let headers = [];
    let request = server.send(&Method::POST, "/rank", &feed, &headers);
    let hung_up = tokio::time::timeout(Duration::from_secs(1), request).await;
    assert!(hung_up.is_err());
    until_series(&server, (COUNT, "POST", "/v1/rank", 499), 1.0).await;
    let metrics = server.get("/metrics").await;
    assert!(metrics.contains("http_server_active_requests{http_request_method=\"POST\"} 0"));
}

#[tokio::test]
async fn a_request_id_is_taken_if_it_is_short_and_printable_and_made_otherwise() {
    let server = Server::start(QUIET, &[WEIR], Stdio::null()).await;
    let longest = "x".repeat(128);
    for id in ["abc-123", "~!\"{}", &longest] {
        for path in ["/health/live", "/nothing", "/rank", "/jobs"] {
            let answer = server
                .send(&Method::GET, path, "", &[("x-request-id", id)])
                .await;
            assert_eq!(id_of(&answer), id, "{path}");
        }
    }
    let too_long = "x".repeat(129);
    for id in ["", "two words", "tab\tbed", "ümlaut", &too_long] {
        let answer = server
            .send(&Method::GET, "/health/live", "", &[("x-request-id", id)])
            .await;
        let made: Uuid = id_of(&answer).parse().unwrap();
        assert_eq!(made.get_version_num(), 7, "{id:?}");
    }
    let mut made = BTreeSet::new();
    for _ in 0..10 {
        made.insert(id_of(&server.send(&Method::POST, "/rank", "{", &[]).await));
    }
    assert_eq!(made.len(), 10);
}

/// The lines that a server has written to its end.
fn lines_to_the_end(mut server: Server, log: PipeReader) -> Vec<String> {
    server.stop();
    drop(server);
    BufReader::new(log).lines().map_while(Result::ok).collect()
}

#[tokio::test]
async fn the_access_log_has_route_and_id_and_neither_path_nor_query() {
    for format in ["text", "json"] {
        for filter in ["info", "error"] {
            let settings = format!(
                "{QUIET}log.access = true\nlog.format = {format:?}\nlog.filter = {filter:?}\n"
            );
            let (log, stderr) = pipe().unwrap();
            let server = Server::start(&settings, &[WEIR], stderr.into()).await;
            let path = "/results/a-private-key?of=somebody";
            let id = ("x-request-id", "id-of-the-test");
            server.send(&Method::GET, path, "", &[id]).await;
            let lines = lines_to_the_end(server, log);
            let line = lines.iter().find(|line| line.contains("id-of-the-test"));
            let line = line.unwrap_or_else(|| panic!("{lines:?}"));
            for part in [
                "GET",
                "/v1/results/{key}",
                "401",
                "elapsed_ms",
                "response_bytes",
            ] {
                assert!(line.contains(part), "{part}: {line}");
            }
            let all = lines.join("\n");
            assert!(
                !all.contains("a-private-key") && !all.contains("somebody"),
                "{all}"
            );
            if format == "json" {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["fields"]["status"], 401);
                assert_eq!(line["span"]["request_id"], "id-of-the-test");
            }
        }
    }
}

#[tokio::test]
async fn without_the_access_log_answered_requests_leave_no_line() {
    let (log, stderr) = pipe().unwrap();
    let server = Server::start(QUIET, &[WEIR], stderr.into()).await;
    server.rank().await;
    let lines = lines_to_the_end(server, log);
    assert!(!lines.join("\n").contains("request answered"), "{lines:?}");
}

#[tokio::test]
async fn what_goes_wrong_within_a_request_is_logged_with_its_id() {
    let weir =
        Weir::start("auth.admin = [\"key\"]\nschedules.top_named_entities.enabled = false\n");
    let socket = weir.data_dir().join("redis/redis.sock");
    let redis = redis::Client::open(format!("unix://{}", socket.display())).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut redis = loop {
        match redis.get_connection() {
            Ok(connection) => break connection,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let key = "my_worker:a_list";
    let () = redis::cmd("LPUSH")
        .arg(key)
        .arg("1")
        .query(&mut redis)
        .unwrap();
    let request = weir
        .client
        .get(weir.url(&format!("/results/{key}")))
        .header("x-request-id", "id-of-the-test")
        .bearer_auth("key");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(id_of(&answer), "id-of-the-test");
    eventually(|| {
        let log = weir.log();
        let mut errors = log.lines().filter(|line| line.contains("ERROR"));
        errors.any(|line| line.contains("id-of-the-test"))
    })
    .await;
}
