//! Sources that mean no good, each kind at work in a Weir.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use weir::db::Database;
use weir_test_support::x_search::{page_of, tweet};
use weir_test_support::{PATIENCE, eventually};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{database_of, rss, scraper, search, stored_at_last, weir};

/// Answers its whole life with the beginning of an answer, and goes on a byte at a time.
async fn drip() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 1024]).await;
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
                let _ = socket.write_all(head).await;
                while socket.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
    });
    format!("http://{address}")
}

async fn answering(answer: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// The scrapers that have an error which says this.
async fn scrapers_with(database: &Database, message: &str) -> BTreeSet<String> {
    let query =
        format!("SELECT DISTINCT source_id FROM scraper_errors WHERE message LIKE '%{message}%'");
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let rows = database.reader().query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

#[tokio::test]
async fn truncated_malformed_and_dripping_answers_of_each_kind_are_recorded_and_stop_no_other() {
    let feed = rss(1..=3);
    let page = page_of(&[tweet(1)], None).to_string();
    let (mut servers, mut settings) = (Vec::new(), String::new());
    for (name, body) in [
        ("cut_rss", &feed[..feed.len() / 2]),
        ("cut_x", &page[..page.len() / 2]),
        ("foreign_rss", "<html><body>moved</body></html>"),
        ("foreign_x", "[]"),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let of_kind = if name.ends_with("_x") {
            search
        } else {
            scraper
        };
        settings += &of_kind(name, &server.uri(), "1h");
        servers.push(server);
    }
    let good = answering(ResponseTemplate::new(200).set_body_raw(feed, "text/xml")).await;
    settings += &scraper("good", &good.uri(), "1h");
    let dripping = drip().await;
    for slow in [
        scraper("drip_rss", &dripping, "1h"),
        search("drip_x", &dripping, "1h"),
    ] {
        settings += &slow.replace("args", "timeout = \"200ms\"\nargs");
    }
    let weir = weir(&settings);
    let database = database_of(&weir).await;
    assert_eq!(stored_at_last(&weir, &database, 3).await.len(), 3);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let (malformed, slow): (BTreeSet<String>, BTreeSet<String>) = (
        names(&["cut_rss", "cut_x", "foreign_rss", "foreign_x"]),
        names(&["drip_rss", "drip_x"]),
    );
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = (
            scrapers_with(&database, "cannot be read").await,
            scrapers_with(&database, "did not answer in full within 200 ms").await,
        );
        if told == (malformed.clone(), slow.clone()) {
            break;
        }
        assert!(Instant::now() < deadline, "{told:?}\n{}", weir.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Wants to be left alone at first, and notes when it was asked.
#[derive(Clone)]
struct Limited {
    asked: Arc<Mutex<Vec<Instant>>>,
    wait: ResponseTemplate,
    then: ResponseTemplate,
}

impl Respond for Limited {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut asked = self.asked.lock().unwrap();
        asked.push(Instant::now());
        match asked.len() {
            1 => self.wait.clone(),
            _ => self.then.clone(),
        }
    }
}

#[tokio::test]
async fn rate_limits_of_each_kind_are_waited_out() {
    let reset = (chrono::Utc::now().timestamp() + 3).to_string();
    let limited = |wait: ResponseTemplate, then: ResponseTemplate| Limited {
        asked: Arc::default(),
        wait,
        then,
    };
    let feed = limited(
        ResponseTemplate::new(429).insert_header("retry-after", "2"),
        ResponseTemplate::new(200).set_body_raw(rss(1..=1), "text/xml"),
    );
    let x = limited(
        ResponseTemplate::new(429).insert_header("x-rate-limit-reset", reset.clone()),
        ResponseTemplate::new(200).set_body_json(page_of(&[tweet(1)], None)),
    );
    let servers = (answering(feed.clone()).await, answering(x.clone()).await);
    // Their own periods would bring them back at once.
    let weir =
        weir(&(scraper("feed", &servers.0.uri(), "10ms") + &search("x", &servers.1.uri(), "10ms")));
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 2).await;
    let asked = |limited: &Limited| limited.asked.lock().unwrap()[..2].to_vec();
    let [first, second] = asked(&feed)[..] else {
        panic!("asked twice")
    };
    assert!(second - first >= Duration::from_secs(2));
    let waited = asked(&x)[1].elapsed();
    let now = chrono::Utc::now() - chrono::TimeDelta::from_std(waited).unwrap();
    assert!(now.timestamp() >= reset.parse::<i64>().unwrap());
}

#[tokio::test]
async fn a_host_that_limits_the_rate_for_no_time_is_not_asked_at_once_again() {
    let over = ResponseTemplate::new(429).insert_header("retry-after", "0");
    let limited = Limited {
        asked: Arc::default(),
        wait: over.clone(),
        then: over,
    };
    let server = answering(limited.clone()).await;
    let _weir = weir(&scraper("feed", &server.uri(), "1h"));
    eventually(|| limited.asked.lock().unwrap().len() >= 3).await;
    let asked = limited.asked.lock().unwrap();
    assert!(asked[1] - asked[0] >= Duration::from_millis(500));
    assert!(asked[2] - asked[1] >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_a_source_sends_is_not_in_the_log() {
    let odd = "&lt;table&gt;hunter2&lt;b&gt;hunter2&lt;tr&gt;&lt;/i&gt;&lt;svg&gt;&lt;p&gt;&lt;!DOCTYPE hunter2&gt;";
    let entry = rss(1..=3).replacen(
        "</title>",
        &format!("</title><description>{odd}</description>"),
        2,
    );
    let whole = ResponseTemplate::new(200).set_body_raw(entry, "text/xml");
    let torn = rss(1..=3).replacen("</title>", "</hunter2>", 1);
    let torn = ResponseTemplate::new(200).set_body_raw(torn, "text/xml");
    let (whole, torn) = (answering(whole).await, answering(torn).await);
    let weir =
        weir(&(scraper("torn", &torn.uri(), "50ms") + &scraper("whole", &whole.uri(), "1h")));
    let database = database_of(&weir).await;
    stored_at_last(&weir, &database, 3).await;
    weir.when("/scrapers", |told| {
        told["scrapers"][0]["failures"].as_u64() > Some(0)
    })
    .await;
    let log = weir.log();
    assert!(!log.contains("hunter2"), "{log}");
    let dependencies = ["html5ever", "markup5ever", "feed_rs", "quick_xml"];
    assert!(!dependencies.iter().any(|name| log.contains(name)), "{log}");
    assert!(log.contains("failed to read a source"), "{log}");
}
