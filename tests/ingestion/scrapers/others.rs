//! Several instances with scrapers on one results store.

use weir_test_support::{Postgres, Redis, Weir, eventually};

use super::scraper;

const WARNING: &str = "another instance uses the same store";

fn settings(store: &str, scrapers: &str) -> String {
    format!("schedules.top_named_entities.enabled = false\n{store}{scrapers}")
}

fn warnings(weir: &Weir) -> usize {
    weir.log().matches(WARNING).count()
}

/// A scraper of a source that nobody needs to reach.
fn some_scraper() -> String {
    scraper("a", "http://127.0.0.1:9", "1h")
}

async fn the_second_instance_with_scrapers_logs_that_it_is_not_alone(store: &str) {
    let first = Weir::start(&settings(store, &some_scraper()));
    let without = Weir::start(&settings(store, ""));
    let second = Weir::start(&settings(store, &some_scraper()));
    eventually(|| warnings(&second) == 1).await;
    let log = second.log();
    let line = log.lines().find(|line| line.contains(WARNING)).unwrap();
    assert!(line.contains("WARN"), "{line}");
    // The first hears of it as well, the one without scrapers has nothing to say.
    eventually(|| warnings(&first) == 1).await;
    assert_eq!((warnings(&without), warnings(&second)), (0, 1));
}

#[tokio::test]
async fn on_redis_the_second_instance_with_scrapers_logs_that_it_is_not_alone() {
    let redis = Redis::start();
    let store = format!("store.redis_url = {:?}\n", redis.url());
    the_second_instance_with_scrapers_logs_that_it_is_not_alone(&store).await;
}

#[tokio::test]
async fn on_postgres_the_second_instance_with_scrapers_logs_that_it_is_not_alone() {
    let url = Postgres::shared().fresh_database();
    let store = format!("database.url = {url:?}\nstore.backend = \"embedded\"\n");
    the_second_instance_with_scrapers_logs_that_it_is_not_alone(&store).await;
}

#[tokio::test]
async fn an_instance_that_restarts_or_is_alone_logs_nothing() {
    let redis = Redis::start();
    let store = format!("store.redis_url = {:?}\n", redis.url());
    let mut weir = Weir::start(&settings(&store, &some_scraper()));
    let heard_of = || {
        let instances: Vec<String> = redis::cmd("HVALS")
            .arg("weir:instances")
            .query(&mut redis.connection())
            .unwrap();
        instances
    };
    eventually(|| heard_of().len() == 1).await;
    let before = heard_of();
    weir.kill();
    weir.start_again();
    eventually(|| heard_of() != before).await;
    assert_eq!((heard_of().len(), warnings(&weir)), (1, 0));
    weir.stop();
    assert!(heard_of().is_empty());
}
