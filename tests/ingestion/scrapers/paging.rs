//! Pages of each kind of source across restarts.

use std::time::Duration;

use rand::RngExt;
use weir_test_support::x_search::{PATH, Timeline};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{database_of, rss, scraper, search, stored, stored_at_last, weir};

const KILLS: usize = 4;

#[tokio::test]
async fn kills_between_pages_lose_nothing_and_repeat_nothing() {
    let (tweets, feed) = (Timeline::new(1..=150), MockServer::start().await);
    let x = MockServer::start().await;
    Mock::given(path(PATH))
        .respond_with(tweets.clone())
        .mount(&x)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(rss((1..=150).rev()), "text/xml"))
        .mount(&feed)
        .await;
    // A pass is a page, of which each has fifteen.
    let a_page = |settings: String| settings.replace("args", "limit = 10\nargs");
    let settings = a_page(scraper("feed", &feed.uri(), "30ms"))
        + &a_page(search("x", &format!("{}{PATH}", x.uri()), "30ms"));
    let mut weir = weir(&settings);
    for kill in 0..KILLS {
        let lifetime = rand::rng().random_range(20..200);
        tokio::time::sleep(Duration::from_millis(lifetime)).await;
        weir.kill();
        if kill == KILLS / 2 {
            tweets.publish(151..=180);
        }
        weir.start_again();
    }
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 330).await;
    weir.when("/scrapers", |told| {
        let mut scrapers = told["scrapers"].as_array().unwrap().iter();
        scrapers.all(|told| told["outbox_bytes"] == 0 && told["passes"].as_u64() > Some(2))
    })
    .await;
    let rows = stored(&database).await;
    let of = |source: &str| {
        let rows = rows.iter();
        rows.filter(|row| row.source_id.as_deref() == Some(source))
            .count()
    };
    assert_eq!((of("x"), of("feed")), (180, 150));
}
