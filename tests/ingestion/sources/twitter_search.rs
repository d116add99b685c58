//! X API v2 recent search. Answers are made after the public API documentation.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use weir::programs::ProgramDirectory;
use weir::sources::{Position, Source, SourceError};
use weir_feed::{Engagements, ItemKind, Platform, TwitterEngagements};
use weir_test_support::x_search::{PATH, Timeline, page_of, tweet};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::{TIME_LIMIT, distinct, failure, fetch_all, ids, open};

/// A search whose token any process has in its environment.
fn search(server: &MockServer) -> Arc<dyn Source> {
    let args = json!({
        "query": "rust lang:en", "url": format!("{}{PATH}", server.uri()), "token_variable": "CARGO_PKG_NAME",
    });
    open("twitter_search", args, TIME_LIMIT)
}

async fn serve(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(PATH))
        .and(header(
            "authorization",
            format!("Bearer {}", env!("CARGO_PKG_NAME")),
        ))
        .and(query_param("query", "rust lang:en"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_tweet_becomes_an_item_with_its_address_and_its_original() {
    let mut reply = tweet(20);
    reply["conversation_id"] = "11".into();
    reply["referenced_tweets"] = json!([{"type": "replied_to", "id": "12"}]);
    let server =
        serve(ResponseTemplate::new(200).set_body_json(page_of(&[reply, tweet(10)], None))).await;

    let (pages, _) = fetch_all(&*search(&server), Position::default(), 100).await;
    let [reply, post] = &pages[0].posts[..] else {
        panic!("two posts")
    };
    assert_eq!(post.item.id, "10");
    assert_eq!(post.url, "https://x.com/seven/status/10");
    assert_eq!(post.platform, Platform::Twitter);
    assert_eq!(post.item.kind, ItemKind::Post);
    assert_eq!(post.item.embedded_urls, ["https://a.example/1"]);
    assert_eq!(post.item.language.as_deref(), Some("en"));
    let counts = TwitterEngagements {
        retweet: 1,
        comment: 2,
        like: 3,
        share: 4,
    };
    assert_eq!(post.item.engagements, Engagements::Twitter(counts));
    let original: Value = serde_json::from_str(post.original.get()).unwrap();
    assert_eq!(original, tweet(10));
    assert_eq!(reply.item.kind, ItemKind::Comment);
    assert_eq!(reply.item.post_id.as_deref(), Some("11"));
    assert_eq!(reply.item.parent_id.as_deref(), Some("12"));
    assert!(!post.item.author_name_hash.contains("seven"));
}

#[tokio::test]
async fn pages_are_followed_to_the_end_across_restarts_without_loss_or_repeat() {
    let timeline = Timeline::new(1..=95);
    let server = serve(timeline.clone()).await;
    // Each page is asked of a source made anew, with nothing but the stored position.
    let (mut position, mut found) = (Position::default(), Vec::new());
    for round in 0..3 {
        loop {
            let page = search(&server).fetch(&position, 10).await.unwrap();
            found.extend(ids(std::slice::from_ref(&page)));
            position = page.next;
            // Tweets that come while pages are turned belong to the next search.
            if round == 0 && found.len() == 30 {
                timeline.publish(96..=120);
            }
            if !page.more {
                break;
            }
        }
    }
    assert_eq!(found.len(), 120);
    assert_eq!(distinct(&found), 120);
}

#[tokio::test]
async fn without_anything_new_nothing_is_found_and_the_position_stays() {
    let timeline = Timeline::new(1..=5);
    let server = serve(timeline).await;
    let source = search(&server);
    let (_, position) = fetch_all(&*source, Position::default(), 100).await;
    let (pages, after) = fetch_all(&*source, position.clone(), 100).await;
    assert!(ids(&pages).is_empty());
    assert_eq!(position, after);
}

#[tokio::test]
async fn a_rate_limit_says_until_when_to_wait() {
    let reset = (Utc::now() + TimeDelta::seconds(600)).timestamp();
    let limited = json!({"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429});
    let answer = ResponseTemplate::new(429)
        .insert_header("x-rate-limit-limit", "60")
        .insert_header("x-rate-limit-remaining", "0")
        .insert_header("x-rate-limit-reset", reset.to_string())
        .set_body_json(limited);
    let server = serve(answer).await;
    let error = failure(&*search(&server)).await;
    let wait = error.retry_after().unwrap();
    assert!(
        (Duration::from_secs(590)..=Duration::from_secs(601)).contains(&wait),
        "{wait:?}"
    );
}

#[tokio::test]
async fn a_position_that_the_api_takes_no_longer_is_given_up_step_by_step() {
    let server = MockServer::start().await;
    let refuse = |parameter: &str| {
        let problem = json!({
            "errors": [{"parameters": {parameter: ["1"]}, "message": format!("Invalid '{parameter}'")}],
            "title": "Invalid Request", "detail": "One or more parameters to your request was invalid.",
            "type": "https://api.twitter.com/2/problems/invalid-request",
        });
        ResponseTemplate::new(400).set_body_json(problem)
    };
    for (parameter, value) in [("next_token", "old"), ("since_id", "1")] {
        Mock::given(query_param(parameter, value))
            .respond_with(refuse(parameter))
            .mount(&server)
            .await;
    }
    Mock::given(path(PATH))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_of(&[tweet(9)], None)))
        .mount(&server)
        .await;
    let stale = json!({"since_id": "1", "next_token": "old", "newest_id": "5"});
    let (pages, _) = fetch_all(&*search(&server), Position::new(&stale), 100).await;
    assert_eq!(ids(&pages), ["9"]);
    assert_eq!(pages.len(), 3);
}

#[tokio::test]
async fn a_refusal_that_has_nothing_to_do_with_the_position_is_an_error() {
    for status in [400, 401, 403, 500] {
        let server = serve(ResponseTemplate::new(status).set_body_json(json!({}))).await;
        let error = failure(&*search(&server)).await;
        assert!(
            matches!(error, SourceError::Status { status: told, .. } if told == status),
            "{error}"
        );
        assert_eq!(error.retry_after(), None);
    }
}

#[tokio::test]
async fn one_tweet_that_cannot_be_read_does_not_cost_the_others() {
    let mut timeless = tweet(2);
    timeless["created_at"] = "yesterday".into();
    let tweets = [tweet(3), timeless, json!({"id": "1"})];
    let server = serve(ResponseTemplate::new(200).set_body_json(page_of(&tweets, None))).await;
    let (pages, position) = fetch_all(&*search(&server), Position::default(), 100).await;
    assert_eq!(ids(&pages), ["3"]);
    let told = pages[0].unreadable.join("\n");
    assert!(
        told.contains("tweet 2") && told.contains("tweet 1"),
        "{told}"
    );
    assert_eq!(
        position,
        Position::new(&json!({"since_id": "3", "next_token": null, "newest_id": null}))
    );
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_no_json_is_malformed() {
    let whole = page_of(&[tweet(1)], None).to_string();
    for body in [&whole[..whole.len() / 2], "<html>", "", "{}", "[]"] {
        let answer = ResponseTemplate::new(200).set_body_string(body);
        let error = failure(&*search(&serve(answer).await)).await;
        assert!(matches!(error, SourceError::Malformed(_)), "{error}");
        assert!(!error.to_string().contains("tweet 1"), "no text of a post");
    }
}

#[tokio::test]
async fn without_its_token_a_search_cannot_be_opened() {
    weir_test_support::http_client();
    let args = json!({"query": "x", "token_variable": "WEIR_TEST_NO_SUCH_VARIABLE"});
    let plan = weir::sources::plan(
        "twitter_search",
        args.as_object().unwrap(),
        &ProgramDirectory::default(),
    )
    .unwrap();
    let outside = weir::sources::Outside::new(plan.private_hosts()).unwrap();
    let refusal = plan.open(&outside, TIME_LIMIT).err().unwrap().to_string();
    assert!(refusal.contains("WEIR_TEST_NO_SUCH_VARIABLE"), "{refusal}");
}
