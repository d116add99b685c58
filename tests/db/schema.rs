//! Connecting and migrating.

use weir::db::{Database, NewPost, PostFilter};
use weir_test_support::Postgres;

use crate::common::databases::{TestDatabase, database_at, on_both_databases};
use crate::common::posts::post;
use crate::{sql, walk};

on_both_databases! {
    migrating_again_changes_nothing,
    two_may_migrate_at_once,
    many_may_write_at_once,
}

async fn migrating_again_changes_nothing(
    TestDatabase {
        database, settings, ..
    }: TestDatabase,
) {
    database.insert_posts(&[post("a", "text")]).await.unwrap();
    let again = Database::connect(&settings).await.unwrap();
    again.migrate().await.unwrap();
    assert_eq!(walk(&again, PostFilter::default(), 10).await.len(), 1);
}

async fn two_may_migrate_at_once(
    TestDatabase {
        database, settings, ..
    }: TestDatabase,
) {
    sql(&database, "DROP TABLE posts").await;
    sql(&database, "DROP TABLE seaql_migrations").await;
    let other = Database::connect(&settings).await.unwrap();
    let (one, two, three) = tokio::join!(database.migrate(), other.migrate(), database.migrate());
    assert!(
        one.is_ok() && two.is_ok() && three.is_ok(),
        "{one:?} {two:?} {three:?}"
    );
    assert!(database.is_empty().await.unwrap());
}

async fn many_may_write_at_once(
    TestDatabase {
        database, settings, ..
    }: TestDatabase,
) {
    let other = Database::connect(&settings).await.unwrap();
    let writers = (0..20).map(|number| {
        let database = if number % 2 == 0 {
            database.clone()
        } else {
            other.clone()
        };
        tokio::spawn(async move {
            let posts: Vec<NewPost> = (0..50)
                .map(|n| post(&format!("{number}/{n}"), "text"))
                .collect();
            database.insert_posts(&posts).await.unwrap().inserted
        })
    });
    let mut inserted = 0;
    for writer in writers.collect::<Vec<_>>() {
        inserted += writer.await.unwrap();
    }
    assert_eq!(inserted, 1_000);
}

#[tokio::test]
async fn a_memory_database_works() {
    let database = Database::connect(&database_at("sqlite::memory:"))
        .await
        .unwrap();
    database.migrate().await.unwrap();
    database.insert_posts(&[post("a", "text")]).await.unwrap();
    assert_eq!(walk(&database, PostFilter::default(), 10).await.len(), 1);
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_and_does_not_print() {
    for url in [
        "mysql://weir:hunter2@db/weir",
        "hunter2",
        "postgres://weir:hunter2@db:port/weir",
    ] {
        let error = Database::connect(&database_at(url)).await.unwrap_err();
        assert!(!error.is_unavailable());
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_stopped_server_is_unavailable() {
    let postgres = Postgres::start();
    let database = Database::connect(&database_at(postgres.url()))
        .await
        .unwrap();
    database.migrate().await.unwrap();
    drop(postgres);
    let error = database
        .insert_posts(&[post("a", "text")])
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}

#[tokio::test]
async fn migration_waits_for_a_server_that_is_not_there_yet() {
    let postgres = Postgres::shared();
    let elsewhere = tempfile::TempDir::new().unwrap();
    let socket_folder = elsewhere.path().to_str().unwrap();
    let url = postgres
        .fresh_database()
        .replace(postgres.folder(), socket_folder);
    let settings = database_at(url);
    assert!(
        Database::connect(&settings)
            .await
            .unwrap_err()
            .is_unavailable()
    );

    let database = Database::lazy(&settings).await.unwrap();
    assert!(database.migrate().await.unwrap_err().is_unavailable());
    let waiting = tokio::spawn({
        let database = database.clone();
        async move { database.migrate_when_available().await }
    });
    let socket = ".s.PGSQL.5432";
    let server = std::path::Path::new(postgres.folder()).join(socket);
    std::os::unix::fs::symlink(server, elsewhere.path().join(socket)).unwrap();
    waiting.await.unwrap();
    assert!(database.is_empty().await.unwrap());
}
