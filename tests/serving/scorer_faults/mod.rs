//! `/rank` on a running Weir whose scorers fail.

mod any_failure;
mod health;

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_feed::RankRequest;
use weir_test_support::models::{model_server, raw_server, scores_response};
use weir_test_support::{PATIENCE, Weir, feed_of, ranked_indices};
use wiremock::{MockServer, ResponseTemplate};

const BASE: &str = "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n";
const DEADLINE: Duration = Duration::from_secs(1);

/// A scorer that fails, of how many of three items, and what is said of it.
struct Fault {
    name: &'static str,
    settings: String,
    missed: usize,
    why: &'static str,
}

impl Fault {
    fn new(name: &'static str, settings: &str, missed: usize, why: &'static str) -> Self {
        Self {
            name,
            settings: settings.to_owned(),
            missed,
            why,
        }
    }

    /// A faulty model server.
    fn http(name: &'static str, url: &str, missed: usize, why: &'static str) -> Self {
        let settings = format!(
            "kind = \"http\"\ncache_entries = 0\ntime_limit = \"500ms\"\nhttp = {{ url = {url:?}, timeout = \"200ms\" }}"
        );
        Self::new(name, &settings, missed, why)
    }

    fn degraded(&self) -> Value {
        json!({"part": self.name, "missed": self.missed, "why": self.why})
    }
}

/// Faults of Weir's own scorers.
fn own_faults() -> Vec<Fault> {
    let random = |fault: &str| format!("kind = \"random\"\n{fault}");
    vec![
        Fault::new("breaks", &random("fail_rate = 1.0"), 3, "error"),
        Fault::new("panics", &random("panic_rate = 1.0"), 3, "panic"),
        Fault::new("sleeps", &random("sleep = \"20s\""), 3, "timeout"),
    ]
}

/// Faults of model servers that do not keep to HTTP.
fn raw_faults() -> Vec<Fault> {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"scores\": [0.1";
    let fault = |name, bytes, hangs, why| Fault::http(name, &raw_server(bytes, hangs), 3, why);
    vec![
        fault("cuts_off", half, false, "error"),
        fault("hangs_at_once", "", true, "timeout"),
        fault("hangs_in_its_body", half, true, "timeout"),
        fault("talks_rubbish", "rubbish\r\n\r\n", false, "error"),
    ]
}

/// Faults of model servers that do. Those must be kept until the end.
async fn answered_faults() -> (Vec<Fault>, Vec<MockServer>) {
    let body = |body: &str| ResponseTemplate::new(200).set_body_string(body);
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "3600");
    let nan = body(r#"{"scores": [NaN, 0.5, 0.5]}"#);
    let others = body(r#"{"scores": [true, 0.5, "NaN"]}"#);
    let long = body(&" ".repeat(5 << 20));
    let answers = [
        ("answers_429", busy, 3, "rate_limited"),
        ("answers_500", ResponseTemplate::new(500), 3, "error"),
        ("answers_half", body("{\"scores\": ["), 3, "bad_result"),
        ("answers_nan", nan, 3, "bad_result"),
        ("answers_no_numbers", others, 2, "bad_result"),
        (
            "answers_too_few",
            scores_response(&[0.5, 0.5]),
            3,
            "bad_result",
        ),
        ("answers_too_much", long, 3, "error"),
        ("answers_no_scores", body("{}"), 3, "bad_result"),
    ];
    let (mut faults, mut servers) = (Vec::new(), Vec::new());
    for (name, answer, missed, why) in answers {
        let server = model_server(vec![answer]).await;
        faults.push(Fault::http(name, &server.uri(), missed, why));
        servers.push(server);
    }
    (faults, servers)
}

/// A Weir with these scorers: policy `all` weighs them beside sentiment, and one by the name of each weighs it alone.
fn start(faults: &[Fault]) -> Weir {
    let mut settings = format!(
        "{BASE}ranking.policy = \"all\"\nranking.deadline = \"{}ms\"\n[policies.all]\nentity_weight = 0.0\n[policies.all.weights]\nsentiment = 1.0\n",
        DEADLINE.as_millis()
    );
    for Fault { name, .. } in faults {
        writeln!(settings, "{name} = 1e-6").unwrap();
    }
    for Fault {
        name,
        settings: scorer,
        ..
    } in faults
    {
        write!(
            settings,
            "[policies.{name}]\nentity_weight = 0.0\nweights = {{ {name} = 1.0 }}\n[scorers.{name}]\n{scorer}\n"
        )
        .unwrap();
    }
    Weir::start(&settings)
}

/// By sentiment alone the second goes first.
fn feed() -> RankRequest {
    feed_of(&["I hate this war", "I love this wonderful day", "a table"])
}

/// Ranks in time: twice the deadline is for the machine that tests run on.
async fn rank(weir: &Weir, policy: &str) -> (Vec<usize>, Value) {
    let begun = Instant::now();
    let feed = feed();
    let url = weir.url(&format!("/rank?policy={policy}"));
    let response = weir.client.post(url).json(&feed).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert!(begun.elapsed() < DEADLINE * 2, "{policy}: {begun:?}");
    (
        ranked_indices(&feed, &answer),
        answer["metadata"]["degraded"].clone(),
    )
}

fn in_order_of_parts(degraded: &Value) -> Vec<Value> {
    let mut parts = degraded.as_array().cloned().unwrap_or_default();
    parts.sort_by_key(|part| part["part"].to_string());
    parts
}

#[tokio::test]
async fn scorers_that_fail_in_every_way_at_once_are_named_and_the_one_that_works_orders() {
    let (mut faults, _servers) = answered_faults().await;
    faults.extend(own_faults());
    faults.extend(raw_faults());
    faults.sort_by_key(|fault| fault.name);
    let expected: Vec<Value> = faults.iter().map(Fault::degraded).collect();
    let weir = start(&faults);
    for _ in 0..2 {
        let (order, degraded) = rank(&weir, "all").await;
        assert_eq!(in_order_of_parts(&degraded), expected);
        assert_eq!(order, [1, 2, 0]);
    }
}

#[tokio::test]
async fn a_scorer_that_fails_alone_leaves_the_incoming_order() {
    let (mut faults, _servers) = answered_faults().await;
    faults.extend(own_faults());
    faults.extend(raw_faults());
    faults.retain(|fault| fault.missed == 3);
    let weir = start(&faults);
    for fault in &faults {
        let (order, degraded) = rank(&weir, fault.name).await;
        assert_eq!(degraded, json!([fault.degraded()]));
        assert_eq!(order, [0, 1, 2], "{}", fault.name);
    }
}

#[tokio::test]
async fn a_model_server_that_comes_back_is_used_again() {
    let down = vec![ResponseTemplate::new(500); 3];
    let server = model_server([down, vec![scores_response(&[0.1, 0.3, 0.2])]].concat()).await;
    let model = Fault {
        settings: format!(
            "kind = \"http\"\ntime_limit = \"500ms\"\nbreaker = {{ failures = 3, pause = \"100ms\" }}\n\
             http = {{ url = {:?}, timeout = \"400ms\", retries = 0 }}",
            server.uri()
        ),
        ..Fault::http("model", "", 3, "error")
    };
    let weir = start(&[model]);
    let because = |why: &str| json!([{"part": "model", "missed": 3, "why": why}]);
    for _ in 0..3 {
        assert_eq!(
            rank(&weir, "model").await,
            (vec![0, 1, 2], because("error"))
        );
    }
    let given_up = Instant::now() + PATIENCE;
    loop {
        let (order, degraded) = rank(&weir, "model").await;
        if degraded.is_null() {
            assert_eq!(order, [1, 2, 0]);
            break;
        }
        assert_eq!((order, degraded), (vec![0, 1, 2], because("breaker_open")));
        assert!(Instant::now() < given_up, "never used again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(weir_test_support::models::call_count(&server).await, 4);
}
