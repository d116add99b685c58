//! Weir's own scrapers.

use std::time::Duration;

use serde_json::{Value, json};
use weir::settings::DatabaseSettings;
use weir_test_support::{Postgres, Weir};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{database_of, errors, rss, scraper, stored, stored_at_last, weir};

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    answer_with(&server, answer).await;
    server
}

async fn answer_with(server: &MockServer, answer: ResponseTemplate) {
    server.reset().await;
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn feed(guids: std::ops::RangeInclusive<u64>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(rss(guids), "text/xml")
}

async fn run(weir: &Weir, name: &str) -> reqwest::Response {
    weir.post(&format!("/scrapers/{name}/run"), "").await
}

/// Waits until the report of the only scraper is as `wanted`.
async fn report_when(weir: &Weir, wanted: impl Fn(&Value) -> bool) -> Value {
    let answer = weir
        .when("/scrapers", |answer| wanted(&answer["scrapers"][0]))
        .await;
    answer["scrapers"][0].clone()
}

#[tokio::test]
async fn what_a_source_publishes_is_stored_and_reported() {
    let server = answering(feed(1..=3)).await;
    let weir = weir(&scraper("news", &server.uri(), "1h"));
    let database = database_of(&weir).await;
    let rows = stored_at_last(&weir, &database, 3).await;
    assert!(
        rows.iter()
            .all(|row| row.source_id.as_deref() == Some("news"))
    );
    let blob: Value = serde_json::from_str(rows[0].post_blob.as_deref().unwrap()).unwrap();
    assert_eq!(blob["id"], rows[0].post_id);
    assert_eq!(blob["platform"], "reddit");
    assert!(blob["original"].as_str().unwrap().starts_with("<item>"));

    let told = report_when(&weir, |told| told["outbox_bytes"] == 0).await;
    assert_eq!(told["name"], "news");
    assert_eq!(
        (&told["items"], &told["passes"], &told["failures"]),
        (&json!(3), &json!(1), &json!(0))
    );
    assert!(told["last_success"].is_string() && told["next_run"].is_string());
    let metrics = weir.get("/metrics").await.text().await.unwrap();
    for line in [
        "weir_scraped_posts_total{scraper=\"news\"} 3",
        "weir_scraper_passes_total{scraper=\"news\",outcome=\"succeeded\"} 1",
        "weir_scraper_lag_seconds{scraper=\"news\"}",
        "weir_scraper_outbox_bytes{scraper=\"news\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }

    answer_with(&server, feed(3..=5)).await;
    let answer = run(&weir, "news").await;
    assert_eq!(answer.status(), 202);
    stored_at_last(&weir, &database, 5).await;
    assert_eq!(run(&weir, "olds").await.status(), 404);
}

#[tokio::test]
async fn a_scraper_runs_again_each_period() {
    let server = answering(feed(1..=1)).await;
    let weir = weir(&scraper("news", &server.uri(), "50ms"));
    let told = report_when(&weir, |told| told["passes"].as_u64() > Some(3)).await;
    assert_eq!(told["failures"], 0);
    assert!(told["lag_ms"].as_u64().unwrap() < 10_000);
}

#[tokio::test]
async fn a_failed_pass_is_an_error_row_and_tried_again_sooner_than_the_period() {
    let server = answering(ResponseTemplate::new(200).set_body_string("<rss")).await;
    let weir = weir(&scraper("news", &server.uri(), "1h"));
    let database = database_of(&weir).await;
    let told = report_when(&weir, |told| told["failures"].as_u64() > Some(1)).await;
    let message = told["last_error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("cannot be read"), "{message}");
    report_when(&weir, |told| told["outbox_bytes"] == 0).await;
    assert_eq!(errors(&database).await[0], message);

    answer_with(&server, feed(1..=1)).await;
    stored_at_last(&weir, &database, 1).await;
    report_when(&weir, |told| told["failures"] == 0).await;
}

#[tokio::test]
async fn a_source_that_fails_for_long_shows_in_the_health_and_stops_no_other() {
    let (bad, good) = (
        answering(ResponseTemplate::new(500)).await,
        answering(feed(1..=2)).await,
    );
    let settings = scraper("bad", &bad.uri(), "20ms") + &scraper("good", &good.uri(), "1h");
    let weir = weir(&settings);
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 2).await;
    let ready = weir
        .when("/health/ready", |ready| {
            ready["degraded"].to_string().contains("scraper bad")
        })
        .await;
    assert_eq!(ready["status"], "ready");
    assert!(!ready.to_string().contains("scraper good"), "{ready}");
}

#[tokio::test]
async fn retry_after_is_honoured_even_when_asked_to_run_now() {
    let server = answering(ResponseTemplate::new(429).insert_header("retry-after", "3600")).await;
    let weir = weir(&scraper("news", &server.uri(), "10ms"));
    let told = report_when(&weir, |told| {
        told["failures"] == 1 && told["next_run"].is_string()
    })
    .await;
    let next: chrono::DateTime<chrono::Utc> = told["next_run"].as_str().unwrap().parse().unwrap();
    let wait = next - chrono::Utc::now();
    assert!((3_500..=3_600).contains(&wait.num_seconds()), "{wait}");
    let answer = run(&weir, "news").await;
    assert_eq!(answer.status(), 503);
    let seconds: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((3_500..=3_601).contains(&seconds));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_fetched_survives_a_kill_and_an_unavailable_database() {
    let postgres = Postgres::start();
    let server = answering(feed(1..=40)).await;
    let database = format!("database.url = {:?}\n", postgres.url());
    postgres.crash();
    let mut weir = weir(&(database + &scraper("news", &server.uri(), "1h")));
    let waiting = report_when(&weir, |told| told["items"] == 40).await;
    assert!(waiting["outbox_bytes"].as_u64().unwrap() > 0);
    weir.kill();
    // The source has nothing of it any more.
    answer_with(&server, ResponseTemplate::new(304)).await;
    weir.start_again();
    postgres.start_again();
    let database = loop {
        let settings = DatabaseSettings::with_url(postgres.url());
        match weir::db::Database::connect(&settings).await {
            Ok(database) => break database,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    report_when(&weir, |told| told["outbox_bytes"] == 0).await;
    assert_eq!(stored(&database).await.len(), 40);
}

#[tokio::test]
async fn a_full_outbox_stops_fetching_and_drops_nothing() {
    let postgres = Postgres::start();
    let server = answering(feed(1..=40)).await;
    postgres.crash();
    let settings = format!(
        "database.url = {:?}\n[outbox]\nmax_bytes = 1000\n{}",
        postgres.url(),
        scraper("news", &server.uri(), "20ms").replace("args", "limit = 10\nargs")
    );
    let weir = weir(&settings);
    report_when(&weir, |told| {
        told["outbox_full"] == true && told["passes"].as_u64() > Some(5)
    })
    .await;
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    let ready = weir.when("/health/ready", |_| true).await;
    assert!(ready.to_string().contains("outbox is full"), "{ready}");
    postgres.start_again();
    report_when(&weir, |told| {
        told["items"] == 40 && told["outbox_bytes"] == 0
    })
    .await;
    let database = weir::db::Database::connect(&DatabaseSettings::with_url(postgres.url()))
        .await
        .unwrap();
    assert_eq!(stored(&database).await.len(), 40);
}

#[tokio::test]
async fn without_its_credential_a_scraper_prevents_the_start() {
    let settings = "[scrapers.x]\nsource = \"twitter_search\"\nevery = \"1h\"\nargs = { query = \"x\", token_variable = \"WEIR_TEST_NO_SUCH_VARIABLE\" }\n";
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("weir.toml");
    std::fs::write(&file, settings).unwrap();
    let weir = |arguments: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(arguments)
            .arg(&file)
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let refusal = weir(&["serve", "--config"]);
    let told = String::from_utf8(refusal.stderr).unwrap();
    assert!(!refusal.status.success());
    assert!(
        told.contains("scrapers.x") && told.contains("WEIR_TEST_NO_SUCH_VARIABLE"),
        "{told}"
    );
    assert!(!folder.path().join("data").exists(), "nothing was begun");
    // Where the settings are written there need be no credential.
    assert!(weir(&["check"]).status.success());
}
