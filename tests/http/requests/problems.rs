//! Errors are problem documents, whatever refuses the request.

use reqwest::{Method, RequestBuilder, header};
use serde_json::Value;

use super::{request, start};
use weir_test_support::feed_of;

/// The code of the problem that answers a request, all members of which are checked.
async fn code(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()[header::CONTENT_TYPE].clone();
    let text = response.text().await.unwrap();
    assert_eq!(kind, "application/problem+json", "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    let code = problem["code"].as_str().unwrap();
    assert_eq!(
        problem["type"],
        format!("/problems/{}", code.replace('_', "-"))
    );
    assert_eq!(problem["status"], status);
    for member in ["title", "detail"] {
        let text = problem[member].as_str();
        assert!(text.is_some_and(|text| !text.is_empty()), "{problem}");
    }
    code.to_owned()
}

#[tokio::test]
async fn on_the_bare_path_of_the_challenge_a_problem_document_is_labelled_as_json() {
    let weir = start("");
    for (path, expected) in [
        ("/rank", "application/json"),
        ("/v1/rank", "application/problem+json"),
    ] {
        let refused = request(&weir, Method::POST, path).body("{").send().await;
        let refused = refused.unwrap();
        assert_eq!(refused.headers()[header::CONTENT_TYPE], expected);
        let problem: Value = refused.json().await.unwrap();
        assert_eq!(problem["code"], "invalid_request");
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let weir = start("server.max_items = 2");
    let to = |method: Method, path: &str| request(&weir, method, path);
    let job = |text: &'static str| to(Method::POST, "/jobs").body(text);
    let feed = |ids: &[&str]| serde_json::to_vec(&feed_of(ids)).unwrap();
    let rank = || to(Method::POST, "/v1/rank").body(feed(&["a"]));
    let without_key = weir.client.get(weir.url("/jobs"));
    let other_key = weir.client.get(weir.url("/jobs")).bearer_auth("no-key");
    for (expected, request) in [
        ("invalid_request", to(Method::POST, "/v1/rank").body("{")),
        ("invalid_request", job(r#"{"job": "no_such_job"}"#)),
        ("invalid_request", to(Method::GET, "/jobs/%ff")),
        ("invalid_request", to(Method::GET, "/jobs?limit=x")),
        ("unauthorized", without_key),
        ("forbidden", other_key),
        ("not_found", to(Method::GET, "/no/such/path")),
        ("not_found", to(Method::GET, "/results/none")),
        ("method_not_allowed", to(Method::GET, "/v1/rank")),
        (
            "not_acceptable",
            rank().header(header::ACCEPT_ENCODING, "br, identity;q=0"),
        ),
        (
            "invalid_request",
            to(Method::OPTIONS, "/v1/rank")
                .header(header::ORIGIN, "https://a.example")
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "DELETE"),
        ),
        (
            "too_large",
            to(Method::POST, "/v1/rank").body(feed(&["a", "b", "c"])),
        ),
        (
            "unsupported_coding",
            rank().header(header::CONTENT_ENCODING, "br"),
        ),
    ] {
        let text = format!("{request:?}");
        assert_eq!(code(request).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_full_queue_has_a_code_of_its_own() {
    let weir = start("jobs.max_unfinished = 1");
    let job = || {
        let later = r#"{"job": "post_statistics", "delay_ms": 600000}"#;
        request(&weir, Method::POST, "/jobs").body(later)
    };
    assert_eq!(job().send().await.unwrap().status(), 202);
    assert_eq!(code(job()).await, "queue_full");
}
