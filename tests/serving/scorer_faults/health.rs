//! Scorers that fail are seen: in the log once, in health while they fail, in metrics by reason.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weir_test_support::Weir;
use weir_test_support::models::{model_server, raw_server, scores_response};
use wiremock::{MockServer, ResponseTemplate};

use super::{Fault, feed, rank, start};

/// An address at which nobody listens, with credentials that must show up nowhere.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    format!("http://user:hunter2@{address}/?key=hunter2")
}

/// A scorer, the reason by which it is counted, and a part of what health says.
struct Seen {
    fault: Fault,
    reason: &'static str,
    why: &'static str,
}

fn seen(fault: Fault, reason: &'static str, why: &'static str) -> Seen {
    Seen { fault, reason, why }
}

async fn model_faults() -> (Vec<Seen>, Vec<MockServer>) {
    let body = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "3600");
    let text = body(r#"{"scores": ["0.5 hunter2", 0.5, 0.5]}"#);
    let huge = body(r#"{"scores": [1e999, 0.5, 0.5]}"#);
    let answers = [
        ("answers_429", busy, "http_429", "left alone"),
        ("answers_500", ResponseTemplate::new(500), "http_500", "500"),
        ("answers_text", text, "not_a_number", "a score is a string"),
        ("answers_huge", huge, "not_json", "not JSON"),
        (
            "answers_few",
            scores_response(&[0.5]),
            "wrong_count",
            "1 items for 3 texts",
        ),
        (
            "answers_else",
            body("{}"),
            "wrong_count",
            "0 items for 3 texts",
        ),
    ];
    let (mut faults, mut servers) = (Vec::new(), Vec::new());
    for (name, answer, reason, why) in answers {
        let server = model_server(vec![answer]).await;
        let fault = Fault::http(name, &server.uri(), 3, "");
        faults.push(seen(fault, reason, why));
        servers.push(server);
    }
    let refuses = Fault::http("refuses", &nobody(), 3, "");
    faults.push(seen(refuses, "connection", "connection refused"));
    let hangs = Fault::http("hangs", &raw_server("", true), 3, "");
    faults.push(seen(hangs, "timeout", "no answer within 200 ms"));
    let cuts = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", false);
    let cuts = Fault::http("cuts_off", &cuts, 3, "");
    faults.push(seen(cuts, "broken_off", "broke off"));
    (faults, servers)
}

fn own_faults() -> Vec<Seen> {
    let random = |fault: &str| format!("kind = \"random\"\n{fault}");
    let own = |name, settings: &str| Fault::new(name, &random(settings), 3, "");
    vec![
        seen(own("breaks", "fail_rate = 1.0"), "error", "could not score"),
        seen(own("panics", "panic_rate = 1.0"), "panic", "panicked"),
        seen(
            own("sleeps", "sleep = \"2s\"\ntime_limit = \"100ms\""),
            "timeout",
            "abandoned",
        ),
        seen(
            own("dawdles", "sleep = \"5s\"\ntime_limit = \"9s\""),
            "late",
            "before the deadline",
        ),
    ]
}

/// What health says of each scorer.
fn issues(ready: &Value) -> BTreeMap<String, String> {
    let issues = ready["degraded"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    issues
        .map(|issue| (text(&issue["part"]), text(&issue["why"])))
        .collect()
}

/// The warnings about a scorer that failed.
fn warnings(weir: &Weir) -> Vec<Value> {
    let lines = weir.log();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["level"] == "WARN" && !line["fields"]["scorer"].is_null())
        .map(|line| line["fields"].clone())
        .collect()
}

#[tokio::test]
async fn a_scorer_that_fails_is_in_health_once_in_the_log_and_in_metrics_by_its_reason() {
    let (mut all, _servers) = model_faults().await;
    all.extend(own_faults());
    let (faults, expected): (Vec<_>, Vec<_>) = all
        .into_iter()
        .map(|Seen { fault, reason, why }| ((fault.name, reason, why), fault))
        .map(|(expected, fault)| (fault, expected))
        .unzip();
    let weir = start(&faults);
    for _ in 0..3 {
        rank(&weir, "all").await;
    }
    let ready = weir
        .when("/health/ready", |ready| issues(ready).len() >= faults.len())
        .await;
    let issues = issues(&ready);
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    for (name, reason, why) in &expected {
        let said = issues.get(&format!("scorer {name}"));
        assert!(
            said.is_some_and(|said| said.contains(why)),
            "{name}: {ready}"
        );
        let series =
            format!("weir_scorer_failures_total{{scorer=\"{name}\",reason=\"{reason}\"}} ");
        let counted = metrics.lines().find_map(|line| line.strip_prefix(&series));
        assert!(
            counted.is_some_and(|items| items != "0"),
            "{series}{metrics}"
        );
        let lines = warnings(&weir);
        let of_it = lines.iter().filter(|line| line["scorer"] == *name);
        let of_reason = of_it.filter(|line| line["reason"] == *reason);
        assert_eq!(of_reason.count(), 1, "{name}: {lines:?}");
    }
    for (place, text) in [
        ("log", weir.log()),
        ("ready", ready.to_string()),
        ("metrics", metrics),
    ] {
        assert!(!text.contains("hunter2"), "{place}: {text}");
        let texts = feed().items.into_iter().map(|item| item.text);
        texts.for_each(|words| assert!(!text.contains(&words), "{place}: {text}"));
    }
}

#[tokio::test]
async fn health_says_that_a_breaker_is_open_and_is_clear_once_the_scorer_answers_again() {
    let down = vec![ResponseTemplate::new(500); 3];
    let server = model_server([down, vec![scores_response(&[0.1, 0.3, 0.2])]].concat()).await;
    let settings = format!(
        "kind = \"http\"\ncache_entries = 0\nbreaker = {{ failures = 3, pause = \"200ms\" }}\n\
         http = {{ url = {:?}, retries = 0 }}",
        server.uri()
    );
    let weir = start(&[Fault::new("model", &settings, 3, "error")]);
    for _ in 0..3 {
        rank(&weir, "model").await;
    }
    let expected = "breaker open: the server answered 500 Internal Server Error";
    weir.when("/health/ready", |ready| {
        issues(ready).get("scorer model").map(String::as_str) == Some(expected)
    })
    .await;
    rank(&weir, "model").await;
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("reason=\"breaker_open\""), "{metrics}");

    while rank(&weir, "model").await.1 != Value::Null {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    weir.when("/health/ready", |ready| {
        *ready == json!({"status": "ready"})
    })
    .await;
    assert!(weir.log().contains("scorer works again"), "{}", weir.log());
}

#[tokio::test]
async fn a_scorer_that_is_removed_or_changed_leaves_health() {
    let base = "ranking.policy = \"model\"\n[policies.model]\nentity_weight = 0.0\n";
    let policy = "weights = { model = 1.0 }\n[scorers.model]\nkind = \"random\"\n";
    let base = format!("{}{base}", super::BASE);
    let weir = Weir::start(&format!("{base}{policy}fail_rate = 1.0\n"));
    let failing = |ready: &Value| issues(ready).contains_key("scorer model");
    let well = |ready: &Value| *ready == json!({"status": "ready"});
    weir.rank(&feed()).await;
    weir.when("/health/ready", failing).await;
    weir.edit(&format!("{base}{policy}fail_rate = 0.0\n"));
    weir.when("/health/ready", well).await;

    weir.edit(&format!("{base}{policy}fail_rate = 1.0\nseed = 3\n"));
    loop {
        weir.rank(&feed()).await;
        let ready = weir.when("/health/ready", |_| true).await;
        if failing(&ready) {
            break;
        }
    }
    weir.edit(&base);
    weir.when("/health/ready", well).await;
}
