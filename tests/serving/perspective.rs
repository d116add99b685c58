//! `POST /v1alpha1/comments:analyze`, as clients of Google's Perspective call it.

use serde_json::{Value, json};
use weir_test_support::{Weir, http_client};

const AT: &str = "/v1alpha1/comments:analyze";
const SETTINGS: &str = r#"
store.backend = "embedded"
schedules.top_named_entities.enabled = false
[compat.perspective]
attributes = { TOXICITY = "mood.score", FLIRTATION = "mood", THREAT = "broken" }
languages = ["en", "de"]
[scorers.mood]
kind = "sentiment"
[scorers.broken]
kind = "random"
fail_rate = 1.0
"#;

async fn analyze(weir: &Weir, query: &str, request: &Value) -> (u16, Value) {
    let request = http_client()
        .post(weir.url(&format!("{AT}{query}")))
        .body(request.to_string());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

fn comment(text: &str, attributes: &Value) -> Value {
    json!({
        "comment": {"text": text, "type": "PLAIN_TEXT"},
        "requestedAttributes": attributes,
        "languages": ["en"],
        "doNotStore": true,
        "clientToken": "abc",
    })
}

#[tokio::test]
async fn a_comment_has_a_score_for_each_attribute_asked_for() {
    let weir = Weir::start(SETTINGS);
    let attributes = json!({"TOXICITY": {}, "FLIRTATION": {"scoreThreshold": 0.9}});
    let (status, answer) = analyze(&weir, "?key=AIza", &comment("I love thís", &attributes)).await;
    assert_eq!(status, 200, "{answer}");
    let score = json!({"value": answer["attributeScores"]["TOXICITY"]["summaryScore"]["value"], "type": "PROBABILITY"});
    assert!(score["value"].as_f64().unwrap() > 0.1);
    let expected = json!({
        "attributeScores": {"TOXICITY": {
            "spanScores": [{"begin": 0, "end": 11, "score": score}],
            "summaryScore": score,
        }},
        "languages": ["en"],
        "clientToken": "abc",
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn refusals_have_the_form_of_googles() {
    let weir = Weir::start(SETTINGS);
    let kind = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error";
    let toxicity = || json!({"TOXICITY": {}});
    let (status, answer) = analyze(&weir, "", &comment(" ", &toxicity())).await;
    let expected = json!({"error": {
        "code": 400, "message": "Comment must be non-empty.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": kind, "errorType": "COMMENT_EMPTY"}],
    }});
    assert_eq!((status, answer), (400, expected));

    let mut french = comment("oui", &toxicity());
    french["languages"] = json!(["fr"]);
    let (status, answer) = analyze(&weir, "", &french).await;
    let details = &answer["error"]["details"][0];
    assert_eq!(
        (status, &details["errorType"]),
        (400, &json!("LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"))
    );
    let expected = json!({"detectedLanguages": ["fr"], "attribute": "TOXICITY"});
    assert_eq!(details["languageNotSupportedByAttributeError"], expected);

    for (request, code, status) in [
        (comment("a", &json!({"SPAM": {}})), 400, "INVALID_ARGUMENT"),
        (comment("a", &json!({})), 400, "INVALID_ARGUMENT"),
        (json!({"comment": 3}), 400, "INVALID_ARGUMENT"),
        (
            comment(&"a".repeat(20_481), &toxicity()),
            400,
            "INVALID_ARGUMENT",
        ),
        (comment("a", &json!({"THREAT": {}})), 503, "UNAVAILABLE"),
    ] {
        let (answered, answer) = analyze(&weir, "", &request).await;
        let error = &answer["error"];
        assert_eq!(
            (answered, &error["status"]),
            (code, &json!(status)),
            "{answer}"
        );
        assert_eq!(error["code"], json!(code));
    }
}

#[tokio::test]
async fn the_key_of_the_query_opens_the_route_and_stands_in_no_log() {
    let keyed = format!("{SETTINGS}[auth]\nrank = [\"AIza-secret\"]\n[log]\naccess = true\n");
    let weir = Weir::start(&keyed);
    let request = comment("I love this", &json!({"TOXICITY": {}}));
    let status = async |query: &str| analyze(&weir, query, &request).await.0;
    assert_eq!(status("?key=AIza-secret").await, 200);
    assert_eq!(status("?key=AIza-other").await, 403);
    assert_eq!(status("").await, 401);
    assert!(!weir.log().contains("AIza"), "{}", weir.log());
}

#[tokio::test]
async fn without_attributes_there_is_no_such_path() {
    let weir =
        Weir::start("store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\n");
    let (status, answer) = analyze(&weir, "", &comment("a", &json!({"TOXICITY": {}}))).await;
    assert_eq!(
        (status, &answer["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
}
