//! Every table of one database in another.

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Statement};
use serde_json::Value;
use weir::db::post::{Column, Entity, Model};
use weir::db::{Database, NewPost, TransferError, Transferred, transfer};

use crate::common::databases::{TestDatabase, database_at, sql, unpack_real_posts};
use crate::common::posts::{post, time};

async fn rows(data: &TestDatabase) -> Vec<(Value, Model)> {
    let posts = Entity::find().order_by_asc(Column::Id);
    let posts = posts.all(data.database.reader()).await.unwrap();
    let row = |row: Model| {
        let blob = row
            .post_blob
            .as_deref()
            .map(|blob| serde_json::from_str(blob).unwrap());
        (
            blob.unwrap_or(Value::Null),
            Model {
                post_blob: None,
                ..row
            },
        )
    };
    posts.into_iter().map(row).collect()
}

async fn copy(from: &TestDatabase, to: &TestDatabase) -> Result<Vec<Transferred>, TransferError> {
    transfer(&from.settings, &to.database, |_, _, _| ()).await
}

async fn texts(data: &TestDatabase, query: &str) -> Vec<String> {
    let reader = data.database.reader();
    let statement = Statement::from_string(reader.get_database_backend(), query);
    let rows = reader.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect()
}

/// Posts with what is awkward to copy, and gaps between their keys.
async fn fill(data: &TestDatabase) {
    let mut posts: Vec<NewPost> = (0..2_500).map(|n| post(&format!("p{n}"), "text")).collect();
    posts[7] = post("tab\there", "line\nend\r\\ \\N \\. \"quoted\" 😀 é");
    posts[8].created_at = time("2017-05-31T12:00:00.123Z");
    data.database.insert_posts(&posts).await.unwrap();
    sql(&data.database, "DELETE FROM posts WHERE id IN (3, 4, 2000)").await;
    sql(
        &data.database,
        "UPDATE posts SET post_blob = NULL, platform = NULL, author_name_hash = '' WHERE id = 10",
    )
    .await;
    let other = "CREATE TABLE \"their Table\" (name TEXT PRIMARY KEY, amount DOUBLE PRECISION, works BOOLEAN)";
    sql(&data.database, other).await;
    sql(&data.database, "INSERT INTO \"their Table\" VALUES ('b', 1.5, true), ('B', 1e300, false), ('ä', NULL, NULL)").await;
}

#[tokio::test]
async fn sqlite_goes_to_postgres_and_back_with_keys_in_order() {
    let (first, postgres, last) = (
        TestDatabase::sqlite().await,
        TestDatabase::postgres().await,
        TestDatabase::sqlite().await,
    );
    fill(&first).await;
    let counts =
        "INSERT INTO weir_entity_counts VALUES ('2017-05-31 23', 'reddit', 1, '1:1', 1, 0, '')";
    sql(&first.database, counts).await;
    let there = copy(&first, &postgres).await.unwrap();
    let back = copy(&postgres, &last).await.unwrap();
    assert_eq!(there, back);
    let tables: Vec<_> = there
        .iter()
        .map(|table| (table.table.as_str(), table.rows, table.written))
        .filter(|&(_, rows, _)| rows > 0)
        .collect();
    // Counts of entities are made again from the posts.
    assert_eq!(tables, [("posts", 2_497, 2_497), ("their Table", 3, 3)]);
    assert_eq!(rows(&first).await, rows(&postgres).await);
    assert_eq!(rows(&first).await, rows(&last).await);
    let theirs = "SELECT name || ' ' || coalesce(CAST(works AS TEXT), '') FROM \"their Table\" WHERE amount > 1 OR works IS NULL ORDER BY 1";
    assert_eq!(texts(&postgres, theirs).await.len(), 3);
    assert_eq!(texts(&first, theirs).await, texts(&last, theirs).await);
    // New keys begin after the copied ones.
    for data in [&postgres, &last] {
        data.database
            .insert_posts(&[post("new", "text")])
            .await
            .unwrap();
        assert_eq!(rows(data).await.last().unwrap().1.id, 2_501);
    }
}

#[tokio::test]
async fn a_second_run_copies_what_is_new_and_nothing_twice() {
    for to in [TestDatabase::postgres().await, TestDatabase::sqlite().await] {
        let from = TestDatabase::sqlite().await;
        fill(&from).await;
        copy(&from, &to).await.unwrap();
        let again = copy(&from, &to).await.unwrap();
        assert_eq!((again[0].rows, again[0].written), (2_497, 0));
        from.database
            .insert_posts(&[post("late", "text")])
            .await
            .unwrap();
        let more = copy(&from, &to).await.unwrap();
        assert_eq!((more[0].rows, more[0].written), (2_498, 1));
        assert_eq!(rows(&from).await, rows(&to).await);
    }
}

#[tokio::test]
async fn other_rows_in_the_target_are_refused_and_stay() {
    for to in [TestDatabase::postgres().await, TestDatabase::sqlite().await] {
        let from = TestDatabase::sqlite().await;
        fill(&from).await;
        to.database
            .insert_posts(&[post("other", "text")])
            .await
            .unwrap();
        let refusal = copy(&from, &to).await.unwrap_err().to_string();
        assert_eq!(
            refusal,
            "the target's table posts holds 1 rows that are not the first of the source: empty it, or choose another database"
        );
        assert_eq!(rows(&to).await.len(), 1);
        let empty = TestDatabase::sqlite().await;
        assert!(matches!(
            copy(&empty, &to).await,
            Err(TransferError::OtherRows { .. })
        ));
    }
}

#[tokio::test]
async fn a_value_that_the_target_cannot_hold_is_named_and_nothing_is_copied() {
    let (from, to) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    fill(&from).await;
    sql(
        &from.database,
        "UPDATE posts SET created_at = 'yesterday' WHERE id = 2400",
    )
    .await;
    let refusal = copy(&from, &to).await.unwrap_err().to_string();
    assert_eq!(
        refusal,
        "row 2397 of the table posts cannot be copied: its created_at is no time"
    );
    assert!(rows(&to).await.is_empty());
}

#[tokio::test]
async fn what_postgres_refuses_in_a_text_is_replaced_on_the_way() {
    let (from, to) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    let blob = r#"{"text":"a\u0000b"}"#;
    sql(
        &from.database,
        &format!("INSERT INTO posts (post_id, post_blob) VALUES ('x' || char(0) || 'y', '{blob}')"),
    )
    .await;
    copy(&from, &to).await.unwrap();
    let row = rows(&to).await.remove(0);
    assert_eq!(
        (row.1.post_id.as_deref(), row.0["text"].as_str()),
        (Some("x\u{fffd}y"), Some("a\u{fffd}b"))
    );
}

#[tokio::test]
async fn a_missing_source_is_an_error_and_is_not_created() {
    let (folder, to) = (tempfile::tempdir().unwrap(), TestDatabase::sqlite().await);
    let file = folder.path().join("none.db");
    let from = database_at(format!("sqlite://{}", file.display()));
    let error = transfer(&from, &to.database, |_, _, _| ())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("unable to open database file"), "{error}");
    assert!(!file.exists());
}

#[tokio::test]
async fn the_real_database_is_copied_as_it_is() {
    let (folder, to) = (tempfile::tempdir().unwrap(), TestDatabase::postgres().await);
    let Some(file) = unpack_real_posts(folder.path()) else {
        return;
    };
    let before = std::fs::read(&file).unwrap();
    let from = database_at(format!("sqlite://{}", file.display()));
    let copied = transfer(&from, &to.database, |_, _, _| ()).await.unwrap();
    assert_eq!((copied[0].rows, copied[0].written), (379, 379));
    assert_eq!(rows(&to).await[0].1.id, 64_287);
    assert!(
        std::fs::read(&file).unwrap() == before,
        "the source was changed"
    );
}

/// Copies into `to` from each of these URLs of the same database, which must be refused at once, with nothing changed.
async fn assert_refused(to: &TestDatabase, urls: &[String]) {
    to.database
        .insert_posts(&[post("1", "text")])
        .await
        .unwrap();
    let before = rows(to).await;
    for url in urls {
        let from = database_at(url);
        let copied = transfer(&from, &to.database, |_, _, _| ());
        let copied = tokio::time::timeout(Duration::from_secs(10), copied).await;
        let refusal = copied.expect("it waits for itself").unwrap_err();
        assert!(
            matches!(refusal, TransferError::OneDatabase),
            "{url}: {refusal}"
        );
    }
    assert_eq!(rows(to).await, before);
}

#[tokio::test]
async fn a_file_is_not_copied_into_itself_by_any_of_its_names() {
    let data = TestDatabase::sqlite().await;
    let url = data.settings.url.expose();
    let file = PathBuf::from(url.trim_start_matches("sqlite://"));
    let folder = file.parent().unwrap();
    let beside = |name: &str| folder.join(name);
    std::os::unix::fs::symlink(&file, beside("link.db")).unwrap();
    std::os::unix::fs::symlink(folder, beside("folder")).unwrap();
    std::fs::hard_link(&file, beside("hard.db")).unwrap();
    let path = file.display().to_string();
    assert_refused(
        &data,
        &[
            url.to_owned(),
            format!("sqlite:{path}"),
            format!("sqlite://{path}?mode=ro"),
            format!("sqlite://{}", path.replace("weir.db", "%77eir.db")),
            format!("sqlite://{}", beside("../new/./weir.db").display()),
            format!("sqlite://{}", beside("link.db").display()),
            format!("sqlite://{}", beside("folder/weir.db").display()),
            format!("sqlite://{}", beside("hard.db").display()),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_database_of_a_server_is_not_copied_into_itself_by_any_of_its_urls() {
    let data = TestDatabase::postgres().await;
    let url = data.settings.url.expose();
    let role = "CREATE ROLE another LOGIN; GRANT pg_read_all_data TO another";
    sql(&data.database, role).await;
    let (_, folder) = url.split_once("host=").unwrap();
    let name = url.split(['/', '?']).nth(3).unwrap();
    let socket = folder.replace('/', "%2F");
    assert_refused(
        &data,
        &[
            url.to_owned(),
            url.replace("postgres://", "postgresql://"),
            format!("{url}&application_name=other"),
            format!("postgres://another@localhost/{name}?host={folder}"),
            format!("postgres://another@{socket}/{name}"),
            format!("postgres:///{name}?host={folder}&user=postgres&port=5432"),
        ],
    )
    .await;
}

#[tokio::test]
async fn two_databases_of_one_server_and_two_schemas_of_one_database_are_copied() {
    let first = TestDatabase::postgres().await;
    fill(&first).await;
    let second = TestDatabase::postgres().await;
    copy(&first, &second).await.unwrap();
    assert_eq!(rows(&second).await, rows(&first).await);

    sql(&first.database, "CREATE SCHEMA aside").await;
    let aside = format!("{}&options[search_path]=aside", first.settings.url.expose());
    let aside = Database::connect(&database_at(aside)).await.unwrap();
    transfer(&first.settings, &aside, |_, _, _| ())
        .await
        .unwrap();
    let statement = "SELECT count(*)::text FROM aside.posts";
    assert_eq!(texts(&first, statement).await, ["2497"]);
}
