//! What holds for every job.

use serde_json::json;
use weir::{db::Database, jobs::JobError};
use weir_test_support::Postgres;

use crate::Workplace;
use crate::common::databases::{TestDatabase, database_at};
use crate::common::posts::post;

#[tokio::test]
async fn a_cancelled_run_ends_and_leaves_no_result() {
    let place = Workplace::new(TestDatabase::sqlite().await);
    place
        .data
        .database
        .insert_posts(&[post("a", "Barack Obama")])
        .await
        .unwrap();
    place.cancellation.cancel();
    let outcome = place
        .try_run("count_top_named_entities", json!({"result_key": "top"}))
        .await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, JobError::Cancelled) && !error.is_retryable());
    assert_eq!(place.store.get("top").await.unwrap(), None);
}

#[tokio::test]
async fn a_run_without_its_database_is_retryable() {
    let postgres = Postgres::start();
    let mut data = TestDatabase::sqlite().await;
    data.database = Database::connect(&database_at(postgres.url()))
        .await
        .unwrap();
    data.database.migrate().await.unwrap();
    drop(postgres);
    let outcome = Workplace::new(data)
        .try_run("count_top_named_entities", json!({}))
        .await;
    assert!(outcome.unwrap_err().is_retryable());
}
