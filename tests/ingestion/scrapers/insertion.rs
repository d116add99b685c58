//! From a source to new items in an answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir::db::TimeRange;
use weir_feed::RankRequest;
use weir_test_support::{Redis, Weir, feed_of};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{rss, scraper};

const EVERY: Duration = Duration::from_millis(500);

async fn source(guids: std::ops::RangeInclusive<u64>) -> MockServer {
    let server = MockServer::start().await;
    publish(&server, guids).await;
    server
}

async fn publish(server: &MockServer, guids: std::ops::RangeInclusive<u64>) {
    server.reset().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(rss(guids), "text/xml"))
        .mount(server)
        .await;
}

/// Scrapes, chooses and inserts, each twice a second.
fn settings(url: &str, insert: &str) -> String {
    let scraped = scraper("news", url, "500ms");
    format!(
        "[schedules.candidates]\njob = \"refresh_candidates\"\nevery = \"500ms\"\nargs = {{ per_author = 100 }}\n\
         [ranking]\npolicy = \"off\"\n[policies.off]\ninsert = {insert}\n{scraped}"
    )
}

fn feed_for(user: &str) -> RankRequest {
    let mut feed = feed_of(&["one", "two", "three", "four"]);
    user.clone_into(&mut feed.session.user_id);
    feed
}

async fn answer(weir: &Weir, feed: &RankRequest) -> Value {
    let response = weir.post("/rank", serde_json::to_vec(feed).unwrap()).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The addresses of an answer's new items, each of which must be among the ranked ids once, beside every item.
fn new_urls(answer: &Value, items: usize) -> Vec<String> {
    let ranked = answer["ranked_ids"].as_array().unwrap();
    let new = answer["new_items"].as_array().unwrap();
    assert_eq!(ranked.len(), items + new.len());
    for item in new {
        assert_eq!(ranked.iter().filter(|id| **id == item["id"]).count(), 1);
    }
    let urls = new.iter().map(|item| item["url"].as_str().unwrap());
    urls.map(str::to_owned).collect()
}

async fn first_new_urls(weir: &Weir, user: &str) -> Vec<String> {
    let deadline = Instant::now() + weir_test_support::PATIENCE;
    loop {
        let answer = answer(weir, &feed_for(user)).await;
        let items = answer["ranked_ids"].as_array().unwrap().len();
        let urls = new_urls(
            &answer,
            items - answer["new_items"].as_array().unwrap().len(),
        );
        if !urls.is_empty() {
            return urls;
        }
        assert!(
            Instant::now() < deadline,
            "nothing inserted\n{}",
            weir.log()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_a_source_publishes_is_inserted_within_two_periods_once_per_user() {
    let server = source(1..=1).await;
    let weir = super::weir(&settings(&server.uri(), "{ max = 1, positions = [1] }"));
    assert_eq!(
        first_new_urls(&weir, "ann").await,
        ["https://news.example/1"]
    );

    publish(&server, 1..=2).await;
    let published = Instant::now();
    assert_eq!(
        first_new_urls(&weir, "ann").await,
        ["https://news.example/2"]
    );
    let took = published.elapsed();
    // The scraper's period, the job's, and a busy machine.
    assert!(took < EVERY * 2 + Duration::from_secs(1), "{took:?}");

    let again = answer(&weir, &feed_for("ann")).await;
    assert!(new_urls(&again, 4).is_empty(), "once per user");
    let ben = answer(&weir, &feed_for("ben")).await;
    assert_eq!(new_urls(&ben, 4), ["https://news.example/2"]);
    assert_eq!(ben["ranked_ids"][1], ben["new_items"][0]["id"]);
    assert_eq!(ben["metadata"]["intervention_on"], true);
}

#[tokio::test]
async fn an_inserted_post_is_kept_among_the_ids_returned() {
    let server = source(1..=1).await;
    let insert = "{ max = 1, positions = [1] }";
    let mut weir = super::weir(&format!(
        "rankings.enabled = true\n{}",
        settings(&server.uri(), insert)
    ));
    first_new_urls(&weir, "ann").await;
    let answer = answer(&weir, &feed_for("ben")).await;
    assert_eq!(new_urls(&answer, 4).len(), 1);
    let database = super::database_of(&weir).await;
    assert_eq!(weir.stop(), Some(0));
    let pages = database.ranking_pages(TimeRange::default(), 10_000).await;
    let kept = pages.unwrap().next().await.unwrap().unwrap();
    let kept = &kept.last().unwrap().ranking;
    assert_eq!(json!(kept.ids_returned), answer["ranked_ids"]);
    assert_eq!(kept.ids_sent.len(), 4);
}

#[tokio::test]
async fn a_prefetch_is_shown_new_items_and_claims_none() {
    let server = source(1..=2).await;
    let weir = super::weir(&settings(&server.uri(), "{ max = 2, every = 1 }"));
    assert_eq!(first_new_urls(&weir, "ann").await.len(), 2);
    let mut prefetch = feed_for("ben");
    prefetch.session.prefetch = Some(true);
    for _ in 0..3 {
        assert_eq!(new_urls(&answer(&weir, &prefetch).await, 4).len(), 2);
    }
    assert_eq!(new_urls(&answer(&weir, &feed_for("ben")).await, 4).len(), 2);
    assert!(new_urls(&answer(&weir, &prefetch).await, 4).is_empty());
}

#[tokio::test]
async fn a_hundred_requests_of_one_user_at_once_show_each_post_once() {
    let server = source(1..=30).await;
    let weir = super::weir(&settings(&server.uri(), "{ max = 3, every = 1 }"));
    let mut urls = first_new_urls(&weir, "ann").await;
    let feed = feed_for("ann");
    let requests = (0..100).map(|_| answer(&weir, &feed));
    let answers = futures_util::future::join_all(requests).await;
    for answer in &answers {
        urls.extend(new_urls(answer, 4));
    }
    let shown = urls.len();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), shown, "no post twice");
    assert!(shown <= 30);
}

#[tokio::test]
async fn without_claims_nothing_is_inserted_and_the_answer_says_so() {
    let server = source(1..=30).await;
    let mut redis = Redis::start();
    let settings = settings(&server.uri(), "{ max = 1, every = 1 }");
    let weir = Weir::start(&format!(
        "schedules.top_named_entities.enabled = false\nstore.redis_url = {:?}\n{settings}",
        redis.url()
    ));
    first_new_urls(&weir, "ann").await;
    redis.kill();
    let away = answer(&weir, &feed_for("ben")).await;
    assert!(new_urls(&away, 4).is_empty());
    let degraded = away["metadata"]["degraded"].as_array().unwrap();
    let told = degraded
        .iter()
        .find(|part| part["part"] == "insert")
        .unwrap();
    assert_eq!(told["missed"], json!(1));
}

#[tokio::test]
async fn before_there_are_candidates_the_answer_says_so() {
    let weir =
        super::weir("ranking.policy = \"off\"\npolicies.off.insert = { max = 1, every = 1 }\n");
    let answer = answer(&weir, &feed_for("ann")).await;
    assert!(new_urls(&answer, 4).is_empty());
    assert_eq!(
        answer["metadata"]["degraded"],
        json!([{"part": "insert", "missed": 1, "why": "unavailable"}])
    );
}

#[tokio::test]
async fn a_policy_that_takes_items_out_inserts_no_more_than_there_is_room_for() {
    let server = source(1..=30).await;
    let scraped = settings(&server.uri(), "{ max = 9, every = 1 }");
    let weir = super::weir(&scraped.replace(
        "[policies.off]\n",
        "[policies.off]\nexclude = { sentiment = { above = 0.5 } }\n",
    ));
    first_new_urls(&weir, "ann").await;
    let mut feed = feed_of(&[
        "a wonderful happy day",
        "a terrible disaster",
        "nothing much",
    ]);
    feed.session.user_id = "ben".to_owned();
    let answer = answer(&weir, &feed).await;
    assert_eq!(answer["ranked_ids"][0], json!(feed.items[1].id));
    assert_eq!(new_urls(&answer, 2).len(), 2);
}

#[tokio::test]
async fn candidates_are_chosen_by_any_scorer_of_the_settings() {
    let server = source(1..=3).await;
    let scraped = settings(&server.uri(), "{ max = 1, every = 1 }").replace(
        "per_author = 100",
        "per_author = 100, score = \"lot\", bounds = { lot = { max = 10.0 } }",
    );
    let weir = super::weir(&format!("{scraped}[scorers.lot]\nkind = \"random\"\n"));
    assert_eq!(first_new_urls(&weir, "ann").await.len(), 1);
}
