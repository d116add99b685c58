//! Postgres behind a `PgBouncer` in transaction mode.

use futures_util::future::join_all;
use serde_json::{Value, json};
use weir::db::{Database, DbError, PostFilter, TimeRange};
use weir::settings::{DatabaseSettings, Pooler};
use weir_test_support::{PgBouncer, Postgres, Weir};

use crate::common::databases::{TestDatabase, database_at};
use crate::common::posts::post;
use crate::{sql, walk};

const SETTING: &str = "database.pooler = \"transaction\"";

/// Statements of many kinds, one after the other.
async fn work(database: &Database, nth: usize) -> Result<(), DbError> {
    for round in 0..10 {
        let id = format!("{nth}.{round}");
        database.insert_posts(&[post(&id, "text")]).await?;
        database.known_posts(&[(id, "user".to_owned())]).await?;
        database
            .count_posts_by_platform(TimeRange::default())
            .await?;
        database.newest_created_at().await?;
        database.has_rankings().await?;
        drop(database.count_snapshot(0).await?);
    }
    Ok(())
}

/// More clients at once than the pooler has connections.
async fn work_at_once(settings: &DatabaseSettings) -> Vec<Result<(), DbError>> {
    let works = (0..12).map(|nth| async move {
        let database = Database::lazy(settings).await?;
        work(&database, nth).await
    });
    join_all(works).await
}

#[tokio::test]
async fn with_the_setting_every_statement_works_through_a_pooler() {
    let postgres = Postgres::start();
    let pooler = PgBouncer::start(&postgres, &["postgres"], "");
    let mut settings = database_at(pooler.url("postgres", "postgres"));
    settings.pooler = Pooler::Transaction;
    let database = Database::connect(&settings).await.unwrap();
    database.migrate().await.unwrap();
    database.migrate().await.unwrap();
    for outcome in work_at_once(&settings).await {
        outcome.unwrap();
    }
    assert_eq!(walk(&database, PostFilter::default(), 50).await.len(), 120);
}

#[tokio::test]
async fn without_the_setting_the_error_names_it() {
    let postgres = Postgres::start();
    let direct = TestDatabase::postgres_of(&postgres).await;
    let strict = PgBouncer::start(&postgres, &["postgres"], "");
    let refused = Database::connect(&database_at(strict.url("postgres", "test_0"))).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains(SETTING), "{refused}");

    let lenient = "ignore_startup_parameters = extra_float_digits,options";
    let lenient = PgBouncer::start(&postgres, &["postgres"], lenient);
    let settings = database_at(lenient.url("postgres", "test_0"));
    let outcomes = work_at_once(&settings).await;
    let failures: Vec<String> = outcomes
        .into_iter()
        .filter_map(|outcome| Some(outcome.err()?.to_string()))
        .collect();
    assert!(!failures.is_empty());
    for failure in failures {
        assert!(failure.contains(SETTING), "{failure}");
    }
    drop(direct);
}

#[tokio::test]
async fn a_server_behind_a_pooler_stores_posts_values_and_jobs_and_answers_queries() {
    let postgres = Postgres::start();
    let direct = TestDatabase::postgres_of(&postgres).await.database;
    sql(
        &direct,
        "CREATE ROLE reader LOGIN; GRANT SELECT ON posts TO reader",
    )
    .await;
    sql(
        &direct,
        "INSERT INTO posts (post_id, platform) VALUES ('a', 'reddit')",
    )
    .await;
    let pooler = PgBouncer::start(&postgres, &["postgres", "reader"], "");
    let weir = Weir::start(&format!(
        "database.url = {:?}\ndatabase.query_url = {:?}\n{SETTING}\nstore.backend = \"embedded\"\n\
         rankings.enabled = true\n",
        pooler.url("postgres", "test_0"),
        pooler.url("reader", "test_0"),
    ));
    weir.when("/health/ready", |ready| ready.get("degraded").is_none())
        .await;
    let query = json!({"job": "query_posts_db", "args": {"query": "SELECT post_id FROM posts"}});
    let jobs = (0..20).map(|nth| {
        let job = match nth % 2 {
            0 => query.clone(),
            _ => json!({"job": "post_statistics"}),
        };
        let weir = &weir;
        async move {
            let id = weir.submit_id(&job).await;
            weir.finished(&id).await
        }
    });
    for (nth, job) in join_all(jobs).await.into_iter().enumerate() {
        assert_eq!(job["state"], "succeeded", "{job}");
        assert_eq!(job["attempts"], 1, "{job}");
        if nth % 2 == 0 {
            assert_eq!(job["result"]["rows"], json!([["a"]]));
        }
    }
    let posts = (0..60).map(|number: u32| {
        let report = json!({
            "success": true, "task_id": "t", "timestamp": "2026-11-20T10:00:00",
            "data": {"content_items": [{"id": number, "id_str": number.to_string(), "rawContent": "text"}]},
        });
        let weir = &weir;
        async move { weir.post_json("/data/scraper", &report).await }
    });
    for answer in join_all(posts).await {
        assert_eq!(answer.status(), 200);
    }
    let ready: Value = weir.get("/health/ready").await.json().await.unwrap();
    assert_eq!(ready, json!({"status": "ready"}));
    assert!(!weir.log().contains("prepared statement"), "{}", weir.log());
}
