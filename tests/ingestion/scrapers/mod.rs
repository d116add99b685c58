//! Scrapers and ingestion of a real server on real stores.

mod full_disk;
mod ingest;
mod insertion;
mod live;
mod others;
mod paging;
mod passes;
mod proof;
mod trouble;

use std::fmt::Write;

use reqwest::Response;
use serde_json::{Value, json};
use weir::db::{Database, ScrapedRow, TimeRange};
use weir::settings::DatabaseSettings;
use weir_test_support::Weir;

/// A Weir with this many settings more and no schedule.
fn weir(more: &str) -> Weir {
    Weir::start(&settings(more))
}

fn settings(more: &str) -> String {
    format!("schedules.top_named_entities.enabled = false\nstore.backend = \"embedded\"\n{more}")
}

/// The database of a Weir on SQLite.
async fn database_of(weir: &Weir) -> Database {
    let url = format!("sqlite://{}", weir.database_file().display());
    Database::connect(&DatabaseSettings::with_url(url))
        .await
        .unwrap()
}

async fn stored(database: &Database) -> Vec<ScrapedRow> {
    database
        .scraped_posts_before(None, 1_000_000, TimeRange::default())
        .await
        .unwrap()
}

/// Waits until this many posts are stored.
async fn stored_at_last(weir: &Weir, database: &Database, posts: usize) -> Vec<ScrapedRow> {
    let deadline = std::time::Instant::now() + weir_test_support::PATIENCE;
    loop {
        // The tables may not be there yet.
        let rows = database.scraped_posts_before(None, 1_000_000, TimeRange::default());
        let rows = rows.await.unwrap_or_default();
        if rows.len() >= posts {
            return rows;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "{} of {posts} posts\n{}",
            rows.len(),
            weir.log()
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The messages of `scraper_errors`, oldest first.
async fn errors(database: &Database) -> Vec<String> {
    use sea_orm::{ConnectionTrait, DbBackend, Statement};
    let query = "SELECT message FROM scraper_errors ORDER BY id";
    let statement = Statement::from_string(DbBackend::Sqlite, query);
    let rows = database.reader().query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

async fn hand_in(weir: &Weir, report: &Value) -> Response {
    let request = weir.client.post(weir.url("/data/scraper"));
    request
        .header("content-type", "application/json")
        .body(report.to_string())
        .send()
        .await
        .unwrap()
}

/// Tries again for as long as it is told to.
async fn hand_in_until_taken(weir: &Weir, report: &Value) {
    loop {
        match hand_in(weir, report).await.status().as_u16() {
            200 => return,
            503 => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            other => panic!("answered {other}\n{}", weir.log()),
        }
    }
}

/// A report of tweets as the scrapers that are around send them.
fn report(ids: impl IntoIterator<Item = u64>) -> Value {
    let items: Vec<Value> = ids
        .into_iter()
        .map(
            |id| json!({"id": id, "id_str": id.to_string(), "rawContent": "a tweet", "lang": "en"}),
        )
        .collect();
    json!({
        "success": true, "task_id": "twitter_top_f1", "timestamp": "2026-11-20T10:00:00.123456",
        "data": {"content_items": items}, "error": null,
    })
}

/// A feed with these items.
fn rss(guids: impl IntoIterator<Item = u64>) -> String {
    let items = guids.into_iter().fold(String::new(), |mut items, guid| {
        write!(
            items,
            "<item><title>Item {guid}</title><link>https://news.example/{guid}</link><guid>{guid}</guid></item>"
        )
        .unwrap();
        items
    });
    format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>")
}

/// The settings of a scraper of the feed at `url`.
fn scraper(name: &str, url: &str, every: &str) -> String {
    format!(
        "[scrapers.{name}]\nsource = \"rss\"\nevery = \"{every}\"\nargs = {{ url = \"{url}\", platform = \"reddit\" }}\n"
    )
}

/// The settings of a scraper of the search at `url`, with a token that any process has in its environment.
fn search(name: &str, url: &str, every: &str) -> String {
    format!(
        "[scrapers.{name}]\nsource = \"twitter_search\"\nevery = \"{every}\"\n\
         args = {{ url = \"{url}\", query = \"x\", token_variable = \"CARGO_PKG_NAME\" }}\n"
    )
}
