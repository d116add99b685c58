//! Scrapers while their settings are edited.

use wiremock::matchers::{header_exists, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{database_of, rss, scraper, settings, stored_at_last, weir};

/// Has nothing new for who names an `ETag`, whosever it is.
async fn feed(guids: std::ops::RangeInclusive<u64>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(header_exists("if-none-match"))
        .respond_with(ResponseTemplate::new(304))
        .mount(&server)
        .await;
    let whole = ResponseTemplate::new(200)
        .insert_header("etag", "\"one\"")
        .set_body_raw(rss(guids), "text/xml");
    Mock::given(method("GET"))
        .respond_with(whole)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn edited_scrapers_start_change_and_stop_without_a_restart() {
    let (one, two, three) = (feed(1..=2).await, feed(11..=13).await, feed(21..=24).await);
    let weir = weir(&scraper("a", &one.uri(), "1h"));
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 2).await;

    // The scraper asks another feed, from its beginning; a second one begins.
    let edited = scraper("a", &two.uri(), "1h") + &scraper("b", &three.uri(), "1h");
    weir.edit(&settings(&edited));
    let rows = stored_at_last(&weir, &database, 2 + 3 + 4).await;
    let of_b = rows
        .iter()
        .filter(|row| row.source_id.as_deref() == Some("b"));
    assert_eq!(of_b.count(), 4);

    weir.edit(&settings(&scraper("b", &three.uri(), "1h")));
    weir.when("/scrapers", |told| {
        let scrapers = told["scrapers"].as_array().unwrap();
        scrapers.len() == 1 && scrapers[0]["name"] == "b"
    })
    .await;
    weir.when("/actors", |told| !told.to_string().contains("scraper.a"))
        .await;
    let ready = weir.when("/health/ready", |_| true).await;
    assert!(ready.get("degraded").is_none(), "{ready}");
}

#[tokio::test]
async fn an_edit_with_a_scraper_that_cannot_be_opened_is_refused_whole() {
    let (one, two) = (feed(1..=2).await, feed(11..=13).await);
    let weir = weir(&scraper("a", &one.uri(), "50ms"));
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 2).await;
    let without_token = "[scrapers.a]\nsource = \"twitter_search\"\nevery = \"50ms\"\n\
                         args = { query = \"x\", token_variable = \"NOBODY_SETS_THIS\" }\n";
    let wrong = without_token.to_owned() + &scraper("b", &two.uri(), "1h");
    weir.edit(&settings(&wrong));
    weir.when("/health/ready", |told| {
        told.to_string().contains("NOBODY_SETS_THIS")
    })
    .await;
    let told = weir.when("/scrapers", |_| true).await;
    assert_eq!(told["scrapers"].as_array().unwrap().len(), 1, "{told}");
    let passes = told["scrapers"][0]["passes"].as_u64();
    weir.when("/scrapers", |told| {
        told["scrapers"][0]["passes"].as_u64() > passes
    })
    .await;
    assert!(weir.log().contains("edited settings refused"));
}
