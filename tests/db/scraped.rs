//! Scraped posts and the errors of scrapers.

use sea_orm::DbBackend;
use serde_json::value::RawValue;
use weir::db::{Database, NewScrapedPost, NewScraperError, TimeRange};

use crate::{
    common::databases::{TestDatabase, on_both_databases, sql},
    texts,
};

on_both_databases! {
    a_post_seen_again_is_neither_an_error_nor_a_second_row,
    posts_that_the_database_refuses_become_errors_and_the_others_are_stored,
    names_of_indexes_are_unique_in_the_database,
    rows_are_walked_from_the_newest,
}

fn post(post_id: &str, blob: &str) -> NewScrapedPost {
    NewScrapedPost {
        post_id: post_id.to_owned(),
        source_id: "feed".to_owned(),
        task_id: "task".to_owned(),
        post_blob: RawValue::from_string(blob.to_owned()).unwrap(),
    }
}

fn all(posts: &[NewScrapedPost]) -> Vec<&NewScrapedPost> {
    posts.iter().collect()
}

fn backend(settings: &weir::settings::DatabaseSettings) -> DbBackend {
    if settings.url.expose().starts_with("sqlite") {
        DbBackend::Sqlite
    } else {
        DbBackend::Postgres
    }
}

async fn ids(database: &Database) -> Vec<String> {
    let rows = database
        .scraped_posts_before(None, 10_000, TimeRange::default())
        .await
        .unwrap();
    rows.into_iter().map(|row| row.post_id).collect()
}

async fn a_post_seen_again_is_neither_an_error_nor_a_second_row(
    TestDatabase { database, .. }: TestDatabase,
) {
    let batch = [post("1", "{}"), post("2", "{}"), post("1", "{\"again\":1}")];
    let outcome = database.store_scraped(&all(&batch), &[]).await.unwrap();
    assert_eq!((outcome.stored, outcome.known), (2, 1));
    let outcome = database.store_scraped(&all(&batch), &[]).await.unwrap();
    assert_eq!((outcome.stored, outcome.known), (0, 3));
    assert!(outcome.rejected.is_empty());
    assert_eq!(ids(&database).await, ["2", "1"]);
}

async fn posts_that_the_database_refuses_become_errors_and_the_others_are_stored(
    TestDatabase {
        database, settings, ..
    }: TestDatabase,
) {
    // A number that jsonb cannot hold; SQLite takes any text, so there a rule stands for it.
    let bad = "{\"n\":1e400000}";
    if backend(&settings) == DbBackend::Sqlite {
        let rule =
            "CREATE TRIGGER rule BEFORE INSERT ON scraper_data WHEN NEW.post_blob LIKE '%1e400000%'
            BEGIN SELECT RAISE(ABORT, 'not in here'); END";
        sql(&database, rule).await;
    }
    let mut batch: Vec<NewScrapedPost> = (0..2_500)
        .map(|number| post(&number.to_string(), "{\"text\":\"a\\u0000b\"}"))
        .collect();
    for place in [0, 777, 2_499] {
        batch[place] = post(&format!("bad{place}"), bad);
    }
    let told = NewScraperError {
        source_id: "feed".to_owned(),
        task_id: "task".to_owned(),
        message: "away\0".to_owned(),
    };
    let outcome = database
        .store_scraped(&all(&batch), &[&told])
        .await
        .unwrap();
    assert_eq!((outcome.stored, outcome.known), (2_497, 0));
    let rejected: Vec<usize> = outcome.rejected.iter().map(|post| post.index).collect();
    assert_eq!(rejected, [0, 777, 2_499]);
    assert_eq!(ids(&database).await.len(), 2_497);
    let query = "SELECT message FROM scraper_errors WHERE source_id = 'feed' ORDER BY id";
    let messages = texts(&database, backend(&settings), query).await;
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[0], "away\u{FFFD}");
    assert!(
        messages[1].starts_with("post bad0 was refused"),
        "{}",
        messages[1]
    );
}

async fn names_of_indexes_are_unique_in_the_database(
    TestDatabase {
        database, settings, ..
    }: TestDatabase,
) {
    let query = match backend(&settings) {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name LIKE 'scraper%' AND sql IS NOT NULL"
        }
        _ => {
            "SELECT indexname::text FROM pg_indexes WHERE tablename LIKE 'scraper%' AND indexname LIKE 'idx%'"
        }
    };
    let mut names = texts(&database, backend(&settings), query).await;
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "idx_scraper_data_created_at",
            "idx_scraper_data_source_id",
            "idx_scraper_data_task_id",
            "idx_scraper_errors_created_at",
            "idx_scraper_errors_source_id",
            "idx_scraper_errors_task_id",
        ]
    );
}

async fn rows_are_walked_from_the_newest(TestDatabase { database, .. }: TestDatabase) {
    let batch: Vec<NewScrapedPost> = (0..5).map(|n| post(&n.to_string(), "{}")).collect();
    database.store_scraped(&all(&batch), &[]).await.unwrap();
    let first = database
        .scraped_posts_before(None, 2, TimeRange::default())
        .await
        .unwrap();
    let rest = database
        .scraped_posts_before(Some(first[1].id), 10, TimeRange::default())
        .await
        .unwrap();
    let walked = first.iter().chain(&rest).map(|row| row.post_id.as_str());
    assert!(walked.eq(["4", "3", "2", "1", "0"]));
    assert_eq!(rest[0].source_id.as_deref(), Some("feed"));
    assert_eq!(rest[0].post_blob.as_deref(), Some("{}"));
}
