use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DbBackend, DbErr, Statement};
use tempfile::TempDir;

use super::{SqlWriter, SqliteWatch};

/// A writer on a file of at most 20 pages, with a table.
async fn small_file(folder: &TempDir) -> SqlWriter {
    let file = folder.path().join("small.db");
    let connect = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .pragma("journal_mode", "wal")
        .pragma("max_page_count", "20");
    let watch = SqliteWatch::default();
    let over = watch.clone();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(1)
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |_| connect.clone())
        .map_sqlx_sqlite_pool_opts(move |pool| over.over(pool));
    let connections = Database::connect(options).await.unwrap();
    let writer = SqlWriter::sqlite(connections, watch, Some(file));
    let table = "CREATE TABLE kept (number INTEGER PRIMARY KEY, bytes BLOB)";
    writer.execute_unprepared(table).await.unwrap();
    writer
}

fn insertion(number: i64, bytes: usize) -> Statement {
    let insert = format!("INSERT INTO kept VALUES ({number}, zeroblob({bytes})) RETURNING number");
    Statement::from_string(DbBackend::Sqlite, insert)
}

/// The numbers that another connection sees.
async fn committed(folder: &TempDir) -> Vec<i64> {
    let url = format!("sqlite://{}", folder.path().join("small.db").display());
    let other = Database::connect(url).await.unwrap();
    let read = Statement::from_string(DbBackend::Sqlite, "SELECT number FROM kept ORDER BY number");
    let rows = other.query_all_raw(read).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

async fn insert_in_a_savepoint(writer: &SqlWriter, number: i64, bytes: usize) -> Result<(), DbErr> {
    let transaction = writer.begin().await?;
    let savepoint = transaction.savepoint().await?;
    match savepoint.execute_raw(insertion(number, bytes)).await {
        Ok(_) => savepoint.commit().await?,
        Err(error) => {
            let _ = savepoint.rollback().await;
            return Err(error);
        }
    }
    transaction.commit().await
}

#[tokio::test]
async fn what_is_committed_after_a_full_disk_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let writer = small_file(&folder).await;
    for round in 0..10 {
        let refusal = insert_in_a_savepoint(&writer, 1_000 + round, 1_000_000).await;
        assert!(refusal.unwrap_err().to_string().contains("full"));
        insert_in_a_savepoint(&writer, round, 10).await.unwrap();
    }
    assert_eq!(committed(&folder).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_transaction_that_sqlite_has_ended_takes_and_commits_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let writer = small_file(&folder).await;
    let transaction = writer.begin().await.unwrap();
    transaction.execute_raw(insertion(1, 10)).await.unwrap();
    let again = "INSERT OR ROLLBACK INTO kept VALUES (1, NULL)";
    transaction.execute_unprepared(again).await.unwrap_err();

    let next = transaction.execute_raw(insertion(3, 10)).await;

    assert!(next.unwrap_err().to_string().contains("rolled"));
    assert!(transaction.savepoint().await.is_err());
    assert!(transaction.commit().await.is_err());
    assert_eq!(committed(&folder).await, [] as [i64; 0]);
}

#[tokio::test]
async fn a_trigger_that_rolls_back_ends_the_transaction_and_not_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let writer = small_file(&folder).await;
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON kept WHEN NEW.number < 0
        BEGIN SELECT RAISE(ROLLBACK, 'negative'); END";
    writer.execute_unprepared(trigger).await.unwrap();
    let transaction = writer.begin().await.unwrap();
    transaction.execute_raw(insertion(1, 10)).await.unwrap();
    let refusal = transaction.execute_raw(insertion(-1, 10)).await;
    assert!(refusal.unwrap_err().to_string().contains("negative"));
    assert!(transaction.commit().await.is_err());

    insert_in_a_savepoint(&writer, 2, 10).await.unwrap();

    assert_eq!(committed(&folder).await, [2]);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let writer = small_file(&folder).await;
    let transaction = writer.begin().await.unwrap();
    transaction.execute_raw(insertion(1, 10)).await.unwrap();
    drop(transaction);
    let transaction = writer.begin_sqlite().await.unwrap();
    drop(transaction);
    let transaction = writer.begin_sqlite().await.unwrap().unwrap();
    transaction.commit().await.unwrap();
    insert_in_a_savepoint(&writer, 2, 10).await.unwrap();
    assert_eq!(committed(&folder).await, [2]);
}

/// The row that a statement returns is there before SQLite commits it.
#[tokio::test]
async fn a_returned_row_counts_only_once_it_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let writer = small_file(&folder).await;
    let refuse =
        "CREATE TABLE other (number INTEGER REFERENCES kept DEFERRABLE INITIALLY DEFERRED)";
    writer.execute_unprepared(refuse).await.unwrap();
    let insert = "INSERT INTO other VALUES (7) RETURNING number";
    let insert = || Statement::from_string(DbBackend::Sqlite, insert);

    // SQLite finds out at the end of the statement that what it refers to is not there.
    assert!(writer.query_one_raw(insert()).await.is_err());

    insert_in_a_savepoint(&writer, 7, 10).await.unwrap();
    assert!(writer.query_one_raw(insert()).await.unwrap().is_some());
}
