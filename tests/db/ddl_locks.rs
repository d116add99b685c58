//! Readers of posts on Postgres while the schema is changed.

use std::fmt::Debug;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::{sleep, timeout};
use weir::db::{Database, OnExisting};

use super::common::databases::TestDatabase;
use super::common::posts::post;
use super::former_triggers::make_former;
use super::texts;

/// Longer than a change waits for a lock at a time, and shorter than the other waits here.
const A_WHILE: Duration = Duration::from_secs(3);

async fn read_posts(database: &Database) -> Vec<String> {
    let read = "SELECT post_id FROM posts";
    texts(database, DbBackend::Postgres, read).await
}

/// Returns whether somebody waits for a lock on a table.
async fn is_waited_for(database: &Database) -> bool {
    let waits = "SELECT 1::text FROM pg_locks WHERE locktype = 'relation' AND NOT granted";
    !texts(database, DbBackend::Postgres, waits).await.is_empty()
}

/// Begins `change` while a long transaction reads posts. Others must be able to read them, and the change must succeed
/// once that transaction has ended.
async fn others_read_during<E, F>(database: Database, change: F)
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Debug + Send + 'static,
{
    let long = database.begin().await.unwrap();
    let read = Statement::from_string(DbBackend::Postgres, "SELECT 1 FROM posts");
    long.query_all_raw(read).await.unwrap();
    let change = tokio::spawn(change);
    for _ in 0..2 {
        let waits = async {
            while !is_waited_for(&database).await {
                assert!(!change.is_finished());
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(A_WHILE, waits).await.expect("nobody waits");
        let posts = timeout(A_WHILE, read_posts(&database)).await;
        assert_eq!(posts.expect("a reader waits"), ["1"]);
    }
    drop(long);
    change.await.unwrap().unwrap();
}

async fn with_a_post() -> (TestDatabase, Database) {
    let data = TestDatabase::postgres().await;
    data.database
        .insert_posts(&[post("1", "text")])
        .await
        .unwrap();
    let database = data.database.clone();
    (data, database)
}

#[tokio::test]
async fn a_load_that_replaces_the_table_holds_up_no_reader_while_it_waits() {
    let (_data, database) = with_a_post().await;
    let loading = database.clone();
    let change = async move {
        let load = loading.begin_load(OnExisting::Drop).await?;
        Ok::<_, weir::db::LoadError>(load.index().await?.commit().await?)
    };
    others_read_during(database, change).await;
}

#[tokio::test]
async fn a_migration_holds_up_no_reader_while_it_waits() {
    let (_data, database) = with_a_post().await;
    make_former(&database).await;
    let migrated = database.clone();
    others_read_during(database, async move { migrated.migrate().await }).await;
}
