//! Nothing lost, nothing twice, whatever dies. `WEIR_PROOF=full` takes the times at their full length.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::task::JoinSet;
use weir::settings::DatabaseSettings;
use weir_test_support::Postgres;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{hand_in, hand_in_until_taken, report, rss, scraper, stored, weir};

const SCRAPERS: usize = 10;
const POSTS_PER_REQUEST: u64 = 10;
const REQUESTS_PER_S: u32 = 20;

fn full() -> bool {
    std::env::var_os("WEIR_PROOF").is_some_and(|wanted| wanted == "full")
}

/// A feed of which each answer has two new entries, and the eight before them.
#[derive(Default)]
struct Growing(AtomicU64);

impl Respond for Growing {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let newest = self.0.fetch_add(2, Ordering::Relaxed) + 2;
        let body = rss(newest.saturating_sub(9).max(1)..=newest);
        ResponseTemplate::new(200).set_body_raw(body, "text/xml")
    }
}

async fn growing_feed() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(Growing::default())
        .mount(&server)
        .await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_post_is_refused_or_stored_once_while_the_database_is_unavailable() {
    let outage = Duration::from_secs(if full() { 60 } else { 3 });
    let postgres = Postgres::start();
    let mut feeds = Vec::new();
    let mut settings = format!("database.url = {:?}\n", postgres.url());
    for number in 0..SCRAPERS {
        let server = growing_feed().await;
        settings += &scraper(&format!("s{number}"), &server.uri(), "200ms");
        feeds.push(server);
    }
    let weir = weir(&settings);
    hand_in_until_taken(&weir, &report([0])).await;

    let (began, mut requests) = (Instant::now(), JoinSet::new());
    let (mut refused, mut accepted) = (BTreeSet::new(), BTreeSet::new());
    let (mut crashed, mut back) = (false, false);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / REQUESTS_PER_S);
    let lead = Duration::from_secs(1);
    let mut next = 1;
    while began.elapsed() < outage + lead * 2 {
        ticks.tick().await;
        if !crashed && began.elapsed() > lead {
            tokio::task::block_in_place(|| postgres.crash());
            crashed = true;
        }
        if !back && began.elapsed() > lead + outage {
            tokio::task::block_in_place(|| postgres.start_again());
            back = true;
        }
        let ids = next..next + POSTS_PER_REQUEST;
        next = ids.end;
        let request = weir
            .client
            .post(weir.url("/data/scraper"))
            .header("content-type", "application/json")
            .body(report(ids.clone()).to_string());
        requests.spawn(async move { (ids, request.send().await.unwrap().status().as_u16()) });
    }
    while let Some(answered) = requests.join_next().await {
        let (ids, status) = answered.unwrap();
        match status {
            200 => accepted.extend(ids),
            503 => refused.extend(ids),
            other => panic!("answered {other}"),
        }
    }
    assert!(
        !accepted.is_empty() && !refused.is_empty(),
        "the outage was felt"
    );

    // What was refused may be there all the same; sent again, all of it is there once.
    for ids in refused.iter().copied().collect::<Vec<_>>().chunks(100) {
        hand_in_until_taken(&weir, &report(ids.iter().copied())).await;
    }
    weir.when("/scrapers", |told| {
        let scrapers = told["scrapers"].as_array().unwrap();
        scrapers
            .iter()
            .all(|told| told["outbox_bytes"] == 0 && told["failures"] == 0)
    })
    .await;
    let served = weir.when("/scrapers", |_| true).await;
    let database = weir::db::Database::connect(&DatabaseSettings::with_url(postgres.url()))
        .await
        .unwrap();
    let rows = stored(&database).await;
    let tweets = rows.iter().filter(|row| !row.post_id.starts_with("rss:"));
    assert_eq!(tweets.count() as u64, next, "each once, and the first");
    let scraped = rows.iter().filter(|row| row.post_id.starts_with("rss:"));
    let found: u64 = served["scrapers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["items"].as_u64().unwrap())
        .sum();
    let scraped = scraped.count() as u64;
    assert!(scraped >= found && scraped > 0, "{scraped} of {found}");
    eprintln!(
        "{} posts by HTTP of which {} were refused at first, {scraped} scraped",
        next,
        refused.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_stored_once_however_often_the_server_is_killed() {
    let kills = if full() { 20 } else { 3 };
    let feed = growing_feed().await;
    let settings: String = (0..SCRAPERS)
        .map(|number| scraper(&format!("s{number}"), &feed.uri(), "30ms"))
        .collect();
    let mut weir = weir(&settings);
    let mut acknowledged: BTreeSet<u64> = BTreeSet::new();
    let mut next = 0;
    for _ in 0..kills {
        let lifetime = Duration::from_millis(rand::rng().random_range(50..1_500));
        let began = Instant::now();
        while began.elapsed() < lifetime {
            let ids = next..next + POSTS_PER_REQUEST;
            next = ids.end;
            if hand_in(&weir, &report(ids.clone())).await.status() == 200 {
                acknowledged.extend(ids);
            }
        }
        // The last request is under way when the process dies.
        let ids = next..next + POSTS_PER_REQUEST;
        next = ids.end;
        let request = weir
            .client
            .post(weir.url("/data/scraper"))
            .header("content-type", "application/json")
            .body(report(ids.clone()).to_string());
        let last = tokio::spawn(async move { request.send().await.map(|it| it.status()) });
        tokio::task::yield_now().await;
        weir.kill();
        if last.await.unwrap().is_ok_and(|status| status == 200) {
            acknowledged.extend(ids);
        }
        weir.start_again();
    }
    weir.when("/scrapers", |told| {
        let scrapers = told["scrapers"].as_array().unwrap();
        scrapers
            .iter()
            .all(|told| told["passes"].as_u64() > Some(3))
    })
    .await;
    weir.stop();
    let database = super::database_of(&weir).await;
    let rows = stored(&database).await;
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.post_id.as_str()).collect();
    assert_eq!(ids.len(), rows.len(), "no post twice");
    let lost = acknowledged
        .iter()
        .filter(|id| !ids.contains(id.to_string().as_str()));
    assert_eq!(lost.count(), 0, "of {} acknowledged", acknowledged.len());
    assert!(!acknowledged.is_empty());
    lost_entries(&weir, &ids);
    eprintln!(
        "{kills} kills, {} acknowledged, {} rows",
        acknowledged.len(),
        rows.len()
    );
}

/// Whatever a position says was had is stored, or waits in the outbox.
fn lost_entries(weir: &weir_test_support::Weir, stored: &BTreeSet<&str>) {
    for number in 0..SCRAPERS {
        let path = weir.data_dir().join(format!("outbox/s{number}.jsonl"));
        let mut known: BTreeSet<String> = stored.iter().map(|id| (*id).to_owned()).collect();
        let mut taken = Vec::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let waiting = entry["posts"].as_array().into_iter().flatten();
            known.extend(waiting.map(|post| post["post_id"].as_str().unwrap().to_owned()));
            let position = entry["position"]["taken"].as_array().into_iter().flatten();
            taken.extend(position.map(|id| id.as_str().unwrap().to_owned()));
        }
        assert!(!taken.is_empty());
        assert!(
            taken.iter().all(|id| known.contains(id)),
            "scraper s{number} lost an entry"
        );
    }
}
