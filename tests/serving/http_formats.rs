//! Model servers in their own wire formats, and servers that a template is written for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use weir::scoring::{
    HttpField, HttpFormat, HttpOptions, HttpScorer, ItemScore, OutputValue, ScoreError, ScoreRow,
    Scorer, Subject,
};
use weir_test_support::feed_of;
use weir_test_support::models::call_count;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A text that text-embeddings-inference refuses unless it may cut it.
const LONG: &str = "a text that is much too long for the model that is served here, so that it has to be cut off somewhere";

/// A server that answers `POST` at `at` as `responder` does.
async fn server(at: &str, responder: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(at))
        .respond_with(responder)
        .mount(&server)
        .await;
    server
}

fn options(server: &MockServer, at: &str, outputs: &[(&str, &str)]) -> HttpOptions {
    let outputs = outputs.iter();
    HttpOptions {
        url: format!("{}{at}", server.uri()),
        timeout: Duration::from_millis(500),
        outputs: outputs
            .map(|&(name, path)| (name.to_owned(), path.to_owned()))
            .collect(),
        ..HttpOptions::default()
    }
}

/// What a scorer with these options makes of the texts in one batch.
async fn rows(options: HttpOptions, texts: &'static [&str]) -> Vec<ItemScore> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ask = move || {
        let scorer = HttpScorer::new(&options).unwrap();
        let feed = feed_of(texts);
        let items = feed.items.iter();
        let subjects = items.map(|item| Subject {
            item,
            session: &feed.session,
            survey: None,
        });
        scorer.worker().score(&subjects.collect::<Vec<_>>())
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

fn row(numbers: &[f64]) -> ScoreRow {
    let values = numbers
        .iter()
        .map(|&number| Some(OutputValue::Number(number)));
    ScoreRow::from_values(values.collect())
}

/// `/predict` of text-embeddings-inference 1.x: a flat list of two texts is one pair, a list of lists is a batch; the labels of
/// each text are sorted by score; texts that are too long are refused unless they may be cut.
struct TextEmbeddingsInference;

impl Respond for TextEmbeddingsInference {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let refusal = |error: &str, kind: &str| {
            ResponseTemplate::new(422).set_body_json(json!({"error": error, "error_type": kind}))
        };
        let predict = |text: &str| {
            let toxic: f64 = if text.contains("hate") { 0.875 } else { 0.25 };
            let mut labels = [("toxic", toxic), ("neutral", 1.0 - toxic)];
            labels.sort_by(|one, other| other.1.total_cmp(&one.1));
            let labels = labels.map(|(label, score)| json!({"score": score, "label": label}));
            json!(labels)
        };
        let answer = match &body["inputs"] {
            Value::Array(inputs) if inputs.iter().all(Value::is_array) => {
                let texts = inputs
                    .iter()
                    .map(|input| match input.as_array().map(Vec::as_slice) {
                        Some([Value::String(text)]) => Some(text.as_str()),
                        _ => None,
                    });
                let Some(texts) = texts.collect::<Option<Vec<_>>>() else {
                    return refusal("invalid input", "Validation");
                };
                if texts.iter().any(|text| text.len() > 100) && body["truncate"] != true {
                    let error = "`inputs` must have less than 512 tokens. Given: 2000";
                    return refusal(error, "Validation");
                }
                texts.into_iter().map(predict).collect()
            }
            Value::Array(pair) if pair.len() == 2 => predict(pair[0].as_str().unwrap()),
            _ => return refusal("invalid input", "Validation"),
        };
        ResponseTemplate::new(200).set_body_json(answer)
    }
}

#[tokio::test]
async fn text_embeddings_inference_scores_two_texts_by_label_and_not_by_rank() {
    let server = server("/predict", TextEmbeddingsInference).await;
    let outputs = [
        ("calm", "$[?@.label=='neutral'].score"),
        ("toxicity", "$[?@.label=='toxic'].score"),
    ];
    let options = HttpOptions {
        format: HttpFormat::Tei,
        ..options(&server, "/predict", &outputs)
    };
    let rows = rows(options, &["I hate it", LONG]).await;
    assert_eq!(rows, [Ok(row(&[0.125, 0.875])), Ok(row(&[0.75, 0.25]))]);
    assert_eq!(call_count(&server).await, 1);
}

/// `/v1/moderations` of OpenAI: unknown arguments are refused.
struct OpenAiModeration;

impl Respond for OpenAiModeration {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: BTreeMap<String, Value> = request.body_json().unwrap();
        let unknown = body
            .keys()
            .find(|key| !["input", "model"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            return ResponseTemplate::new(400).set_body_json(json!({"error": {
                "message": format!("Unrecognized request argument supplied: {unknown}"),
                "type": "invalid_request_error",
                "param": null,
                "code": null,
            }}));
        }
        if request.headers.get("authorization").is_none() {
            return ResponseTemplate::new(401);
        }
        let result = |text: &Value| {
            let violence = if text == "kill" { 0.9375 } else { 0.0625 };
            json!({
                "flagged": violence > 0.5,
                "categories": {"violence": violence > 0.5, "self-harm": false},
                "category_scores": {"violence": violence, "self-harm": 0.25},
                "category_applied_input_types": {"violence": ["text"], "self-harm": ["text"]},
            })
        };
        let texts = body["input"].as_array().unwrap().iter();
        ResponseTemplate::new(200).set_body_json(json!({
            "id": "modr-0d9740456c391e43c445bf0f010940c7",
            "model": body["model"],
            "results": texts.map(result).collect::<Vec<_>>(),
        }))
    }
}

#[tokio::test]
async fn openai_moderation_gets_the_texts_and_the_model_and_nothing_else() {
    let server = server("/v1/moderations", OpenAiModeration).await;
    let outputs = [
        ("self_harm", "$.category_scores['self-harm']"),
        ("violence", "$.category_scores.violence"),
    ];
    let options = HttpOptions {
        format: HttpFormat::OpenaiModeration,
        model: "omni-moderation-latest".to_owned(),
        // A variable that is there in every test.
        token_env: "CARGO_PKG_NAME".to_owned(),
        ..options(&server, "/v1/moderations", &outputs)
    };
    let rows = rows(options, &["kill", "love"]).await;
    assert_eq!(rows, [Ok(row(&[0.25, 0.9375])), Ok(row(&[0.25, 0.0625]))]);
}

/// `/v2/models/NAME/infer` of the Open Inference Protocol, with a tensor of two classes and one of a single number.
struct OpenInferenceProtocol;

impl Respond for OpenInferenceProtocol {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let input = &body["inputs"][0];
        let texts = input["data"].as_array().unwrap();
        if input["name"] != "text"
            || input["datatype"] != "BYTES"
            || input["shape"] != json!([texts.len()])
        {
            let error = json!({"error": "unexpected shape or datatype for input 'text'"});
            return ResponseTemplate::new(400).set_body_json(error);
        }
        let length = |text: &Value| text.as_str().unwrap().len() as f64;
        let classes = texts.iter().flat_map(|text| [length(text), -length(text)]);
        ResponseTemplate::new(200).set_body_json(json!({
            "model_name": "lengths",
            "model_version": "1",
            "outputs": [
                {"name": "classes", "datatype": "FP64", "shape": [texts.len(), 2], "data": classes.collect::<Vec<_>>()},
                {"name": "length", "datatype": "FP64", "shape": [texts.len(), 1],
                 "data": texts.iter().map(length).collect::<Vec<_>>()},
            ],
        }))
    }
}

#[tokio::test]
async fn kserve_gets_a_tensor_of_texts_and_its_tensors_are_read_by_name() {
    let at = "/v2/models/lengths/infer";
    let server = server(at, OpenInferenceProtocol).await;
    let options = HttpOptions {
        format: HttpFormat::KserveV2,
        texts_field: "text".to_owned(),
        ..options(
            &server,
            at,
            &[("length", "$.length"), ("negative", "$.classes[1]")],
        )
    };
    let scored = rows(options.clone(), &["a", "four", "xx"]).await;
    assert_eq!(
        scored,
        [
            Ok(row(&[1.0, -1.0])),
            Ok(row(&[4.0, -4.0])),
            Ok(row(&[2.0, -2.0]))
        ]
    );
    let unknown = HttpOptions {
        outputs: [("length".to_owned(), "$.size".to_owned())].into(),
        ..options
    };
    assert_eq!(rows(unknown, &["a"]).await, [Err(ScoreError::BadResult)]);
}

/// `comments:analyze` of Perspective, which takes one comment a call.
struct Perspective;

impl Respond for Perspective {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let key = request.headers.get("x-goog-api-key");
        if key.is_none_or(|key| key != "weir") {
            return ResponseTemplate::new(403).set_body_json(json!({"error": {
                "code": 403, "status": "PERMISSION_DENIED",
                "message": "The request is missing a valid API key.",
            }}));
        }
        let text = body["comment"]["text"].as_str().unwrap();
        let value = if text == "\"shut up\"" { 0.75 } else { 0.125 };
        let score = |name: &String| {
            let summary = json!({"value": value, "type": "PROBABILITY"});
            let spans = json!([{"begin": 0, "end": text.len(), "score": summary}]);
            (
                name.clone(),
                json!({"spanScores": spans, "summaryScore": summary}),
            )
        };
        let names = body["requestedAttributes"].as_object().unwrap().keys();
        ResponseTemplate::new(200).set_body_json(json!({
            "attributeScores": names.map(score).collect::<BTreeMap<_, _>>(),
            "languages": ["en"],
            "detectedLanguages": ["en"],
        }))
    }
}

#[tokio::test]
async fn perspective_is_asked_by_a_template() {
    let at = "/v1alpha1/comments:analyze";
    let server = server(at, Perspective).await;
    let options = HttpOptions {
        token_env: "CARGO_PKG_NAME".to_owned(),
        token_header: "x-goog-api-key".to_owned(),
        body: r#"{"comment": {"text": {{ texts[0] }}}, "doNotStore": true, "requestedAttributes": {"TOXICITY": {}}}"#.to_owned(),
        items: "$".to_owned(),
        ..options(&server, at, &[("toxicity", "$.attributeScores.TOXICITY.summaryScore.value")])
    };
    assert_eq!(
        rows(options.clone(), &["\"shut up\""]).await,
        [Ok(row(&[0.75]))]
    );
    let batch = rows(options, &["a", "b"]).await;
    assert_eq!(
        batch,
        [Err(ScoreError::BadResult), Err(ScoreError::BadResult)],
        "one item for two texts"
    );
}

#[tokio::test]
async fn a_null_is_an_answer_and_several_nodes_are_none() {
    let answer = json!({"scores": [{"x": null}, {"x": 1}]});
    let server = server("/", ResponseTemplate::new(200).set_body_json(answer)).await;
    let one = options(&server, "/", &[("x", "$.x")]);
    assert_eq!(
        rows(one, &["a", "b"]).await,
        [Ok(ScoreRow::MISSING), Ok(row(&[1.0]))]
    );
    let many = options(&server, "/", &[("x", "$..*")]);
    assert_eq!(
        rows(many, &["a", "b"]).await,
        [Ok(ScoreRow::MISSING), Ok(row(&[1.0]))]
    );
    let none = options(&server, "/", &[("x", "$.y")]);
    assert_eq!(
        rows(none, &["a", "b"]).await,
        vec![Err(ScoreError::BadResult); 2]
    );
}

#[tokio::test]
async fn ids_and_platform_are_sent_only_if_they_are_read() {
    let answer = json!({"scores": [1]});
    let server = server("/", ResponseTemplate::new(200).set_body_json(answer)).await;
    let plain = options(&server, "/", &[]);
    let more = HttpOptions {
        reads: vec![HttpField::Text, HttpField::Id, HttpField::Platform],
        ..plain.clone()
    };
    for options in [plain, more] {
        assert_eq!(rows(options, &["a"]).await, [Ok(row(&[1.0]))]);
    }
    let requests = server.received_requests().await.unwrap();
    let keys = |request: &Request| {
        let body: BTreeMap<String, Value> = request.body_json().unwrap();
        body.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(keys(&requests[0]), ["inputs"]);
    assert_eq!(keys(&requests[1]), ["ids", "inputs", "platforms"]);
}
