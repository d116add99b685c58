//! Scores from a model server that works, and from one that does not.

use std::time::{Duration, Instant};

use chrono::Utc;
use rand::SeedableRng;
use serde_json::{Value, json};
use weir::scoring::{HttpOptions, HttpScorer, ItemScore, ScoreError, Scorer, Subject};
use weir_feed::{Platform, RankRequest};
use weir_lab::FakeFeed;
use weir_test_support::models::{call_count, model_server, raw_server, scores_response};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

fn feed(texts: &[&str]) -> RankRequest {
    let mut feed = FakeFeed {
        posts: texts.len(),
        comments: 0,
        platform: Platform::Reddit,
        now: Utc::now(),
    }
    .request(&mut rand_chacha::ChaCha8Rng::seed_from_u64(1));
    for (item, text) in feed.items.iter_mut().zip(texts) {
        item.title = None;
        (*text).clone_into(&mut item.text);
    }
    feed
}

fn options(url: &str) -> HttpOptions {
    HttpOptions {
        url: url.to_owned(),
        timeout: Duration::from_millis(500),
        retry_budget: 1.0,
        ..HttpOptions::default()
    }
}

/// What one worker of a scorer with these options makes of the texts, asked so many times in turn.
async fn asked(
    options: HttpOptions,
    texts: &'static [&str],
    times: usize,
) -> Vec<Vec<Result<f64, ScoreError>>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ask = move || {
        let scorer = HttpScorer::new(&options).unwrap();
        let mut worker = scorer.worker();
        let feed = feed(texts);
        let subjects: Vec<Subject<'_>> = feed
            .items
            .iter()
            .map(|item| Subject::new(&feed, item))
            .collect();
        let number = |row: ItemScore| row.map(|row| row.number(0).unwrap());
        (0..times)
            .map(|_| worker.score(&subjects).into_iter().map(number).collect())
            .collect()
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

async fn scores(options: HttpOptions, texts: &'static [&str]) -> Vec<Result<f64, ScoreError>> {
    asked(options, texts, 1).await.remove(0)
}

/// Scores each text by its length in characters.
struct Lengths;

impl Respond for Lengths {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let texts = body["inputs"].as_array().unwrap().iter();
        let lengths = texts.map(|text| text.as_str().unwrap().chars().count());
        ResponseTemplate::new(200).set_body_json(json!({"scores": lengths.collect::<Vec<_>>()}))
    }
}

#[tokio::test]
async fn texts_go_in_one_call_with_the_token_and_no_longer_than_they_may_be() {
    let server = MockServer::start().await;
    // A variable that is there in every test.
    Mock::given(header("authorization", "Bearer weir"))
        .respond_with(Lengths)
        .mount(&server)
        .await;
    let options = HttpOptions {
        token_env: "CARGO_PKG_NAME".to_owned(),
        truncate_chars: 3,
        ..options(&server.uri())
    };
    assert_eq!(
        scores(options, &["ab", "äöüß", ""]).await,
        [Ok(2.0), Ok(3.0), Ok(0.0)]
    );
    assert_eq!(call_count(&server).await, 1);
}

#[tokio::test]
async fn a_server_error_is_retried_and_a_client_error_is_not() {
    let fault = model_server(vec![ResponseTemplate::new(500), scores_response(&[1.0])]).await;
    assert_eq!(scores(options(&fault.uri()), &["a"]).await, [Ok(1.0)]);
    assert_eq!(call_count(&fault).await, 2);

    let refusal = model_server(vec![ResponseTemplate::new(422), scores_response(&[1.0])]).await;
    assert_eq!(
        scores(options(&refusal.uri()), &["a"]).await,
        [Err(ScoreError::Error)]
    );
    assert_eq!(call_count(&refusal).await, 1);
}

#[tokio::test]
async fn retries_end_with_their_number_and_their_budget() {
    let server = model_server(vec![ResponseTemplate::new(500)]).await;
    let failed = vec![Err(ScoreError::Error)];
    assert_eq!(scores(options(&server.uri()), &["a"]).await, failed);
    assert_eq!(call_count(&server).await, 2);
    let frugal = HttpOptions {
        retry_budget: 0.0,
        ..options(&server.uri())
    };
    assert_eq!(scores(frugal, &["a"]).await, failed);
    assert_eq!(call_count(&server).await, 3);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_score_and_never_asked_for_again() {
    let rubbish = model_server(vec![ResponseTemplate::new(200).set_body_string("{\"sco")]).await;
    assert_eq!(
        scores(options(&rubbish.uri()), &["a", "b"]).await,
        vec![Err(ScoreError::BadResult); 2]
    );
    assert_eq!(call_count(&rubbish).await, 1);
    let odd = json!({"scores": ["NaN", true]});
    let odd = model_server(vec![ResponseTemplate::new(200).set_body_json(odd)]).await;
    assert_eq!(
        scores(options(&odd.uri()), &["a", "b"]).await,
        vec![Err(ScoreError::BadResult); 2]
    );
    assert_eq!(call_count(&odd).await, 1);
}

#[tokio::test]
async fn scores_are_dropped_unless_there_is_one_for_each_text() {
    for answer in [vec![0.5], vec![0.5; 3]] {
        let server = model_server(vec![scores_response(&answer)]).await;
        assert_eq!(
            scores(options(&server.uri()), &["a", "b"]).await,
            vec![Err(ScoreError::BadResult); 2]
        );
    }
}

#[tokio::test]
async fn a_slow_answer_is_abandoned_in_time_and_retried_once() {
    let slow = scores_response(&[1.0]).set_delay(Duration::from_secs(30));
    let server = model_server(vec![slow, scores_response(&[2.0])]).await;
    let begun = Instant::now();
    assert_eq!(scores(options(&server.uri()), &["a"]).await, [Ok(2.0)]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{begun:?}");
    assert_eq!(call_count(&server).await, 2);
}

#[tokio::test]
async fn retry_after_of_a_model_server_is_respected() {
    let busy = ResponseTemplate::new(429).insert_header("Retry-After", "3600");
    let server = model_server(vec![busy, scores_response(&[1.0])]).await;
    let limited = vec![Err(ScoreError::RateLimited)];
    let answers = asked(options(&server.uri()), &["a"], 3).await;
    assert_eq!(answers, vec![limited; 3]);
    assert_eq!(call_count(&server).await, 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = model_server(vec![scores_response(&[1.0])]).await;
    let there = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri());
    let server = model_server(vec![there]).await;
    assert_eq!(
        scores(options(&server.uri()), &["a"]).await,
        [Err(ScoreError::Error)]
    );
    assert_eq!(call_count(&elsewhere).await, 0);
}

#[tokio::test]
async fn a_server_that_hangs_after_its_headers_or_closes_in_its_body_costs_no_more_than_the_time_limit()
 {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"scores\":";
    for (hangs, expected) in [(true, ScoreError::Timeout), (false, ScoreError::Error)] {
        let begun = Instant::now();
        let url = raw_server(head, hangs);
        assert_eq!(scores(options(&url), &["a"]).await, [Err(expected)]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{begun:?}");
    }
}
