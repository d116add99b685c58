//! Databases that another program made.

use std::path::Path;

use sea_orm::DbBackend;
use tempfile::TempDir;
use weir::db::{Database, PostFilter, TimeRange};
use weir_test_support::Postgres;

use crate::common::databases::{database_at, unpack_real_posts};
use crate::common::posts::{created, post, time};
use crate::{between, ids, sql, texts, walk};

const SQLITE_SCHEMA: &str = "CREATE TABLE posts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, post_id TEXT, session_timestamp TIMESTAMP, session_user_id TEXT,
        platform TEXT, type TEXT, author_name_hash TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, post_blob TEXT
    );
    CREATE INDEX idx_created_at ON posts(created_at);
    CREATE INDEX idx_post_id ON posts(post_id);
    CREATE INDEX idx_session_user_id ON posts(session_user_id);";

const POSTGRES_SCHEMA: &str = "CREATE TABLE posts (
        id SERIAL PRIMARY KEY, post_id TEXT, session_timestamp TIMESTAMP WITH TIME ZONE, session_user_id TEXT,
        platform TEXT, type TEXT, author_name_hash TEXT, created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(), post_blob JSONB
    );
    CREATE INDEX idx_created_at ON posts(created_at);
    CREATE INDEX idx_post_id ON posts(post_id);
    CREATE INDEX idx_session_user_id ON posts(session_user_id);";

const SQLITE_OBJECTS: &str =
    "SELECT coalesce(sql, name) FROM sqlite_master WHERE tbl_name = 'posts' ORDER BY name";
const POSTGRES_OBJECTS: &str =
    "SELECT indexdef FROM pg_indexes WHERE tablename = 'posts' ORDER BY indexname";

async fn made_by_another(url: &str, schema: &str) -> Database {
    let database = Database::connect(&database_at(url)).await.unwrap();
    sql(&database, schema).await;
    database
}

async fn sqlite_made_by_another(folder: &Path) -> Database {
    let url = format!("sqlite://{}", folder.join("theirs.db").display());
    made_by_another(&url, SQLITE_SCHEMA).await
}

#[tokio::test]
async fn a_sqlite_schema_of_others_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let database = sqlite_made_by_another(folder.path()).await;
    let before = texts(&database, DbBackend::Sqlite, SQLITE_OBJECTS).await;
    database.migrate().await.unwrap();
    assert_eq!(
        texts(&database, DbBackend::Sqlite, SQLITE_OBJECTS).await,
        before
    );
    assert_eq!(before.len(), 4);
}

#[tokio::test]
async fn a_postgres_schema_of_others_stays_as_it_is_and_works() {
    let database = made_by_another(&Postgres::shared().fresh_database(), POSTGRES_SCHEMA).await;
    let before = texts(&database, DbBackend::Postgres, POSTGRES_OBJECTS).await;
    database.migrate().await.unwrap();
    assert_eq!(
        texts(&database, DbBackend::Postgres, POSTGRES_OBJECTS).await,
        before
    );
    assert_eq!(before.len(), 4);

    sql(
        &database,
        r#"INSERT INTO posts (post_id, created_at, post_blob) VALUES
           ('theirs', '2017-05-31 23:00:00+00', '{"text": "hello"}'), ('odd', '2017-05-31 23:30:00+00', '[1]')"#,
    )
    .await;
    database
        .insert_posts(&[created("2017-05-31T23:59:59Z", "ours")])
        .await
        .unwrap();
    let hour = between("2017-05-31T23:00:00Z", "2017-06-01T00:00:00Z");
    let posts = walk(&database, hour, 10).await;
    assert_eq!(ids(&posts), ["theirs", "odd", "ours"]);
    assert_eq!(posts[0].text.as_deref(), Some("hello"));
    assert_eq!(posts[1].text, None);
}

#[tokio::test]
async fn only_the_missing_index_is_added() {
    let folder = TempDir::new().unwrap();
    let database = sqlite_made_by_another(folder.path()).await;
    sql(&database, "DROP INDEX idx_post_id").await;
    database.migrate().await.unwrap();
    let names =
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'posts' ORDER BY name";
    assert_eq!(
        texts(&database, DbBackend::Sqlite, names)
            .await
            .iter()
            .filter(|name| name.starts_with("idx"))
            .collect::<Vec<_>>(),
        ["idx_created_at", "idx_posts_post_id", "idx_session_user_id"]
    );
}

#[tokio::test]
async fn a_range_is_right_at_its_bounds_over_rows_of_several_writers() {
    let folder = TempDir::new().unwrap();
    let database = sqlite_made_by_another(folder.path()).await;
    database.migrate().await.unwrap();
    for (post_id, written) in [
        ("text before", "2017-05-31 22:59:59"),
        ("text first", "2017-05-31 23:00:00"),
        ("iso before", "2017-05-31T22:59:59+00:00"),
        ("iso first", "2017-05-31T23:00:00+00:00"),
        ("zulu last inside", "2017-05-31T23:59:59.999Z"),
        ("zone inside", "2017-06-01T01:30:00+02:00"),
        ("farthest east inside", "2017-06-01T13:59:00+14:59"),
        ("farthest west inside", "2017-05-31 08:01:00-14:59"),
        ("zone after", "2017-05-31T20:00:00-04:00"),
        ("iso after", "2017-06-01T00:00:00+00:00"),
        ("text after", "2017-06-01 00:00:00"),
        ("no time", "yesterday"),
    ] {
        let insert = format!(
            "INSERT INTO posts (post_id, platform, created_at) VALUES ('{post_id}', 'facebook', '{written}')"
        );
        sql(&database, &insert).await;
    }
    let ours = [
        created("2017-05-31T23:00:00Z", "ours first"),
        created("2017-06-01T00:00:00Z", "ours after"),
    ];
    database.insert_posts(&ours).await.unwrap();

    let hour = between("2017-05-31T23:00:00Z", "2017-06-01T00:00:00Z");
    let inside = [
        "text first",
        "iso first",
        "zulu last inside",
        "zone inside",
        "farthest east inside",
        "farthest west inside",
        "ours first",
    ];
    assert_eq!(ids(&walk(&database, hour.clone(), 2).await), inside);
    let counts = database
        .count_posts_by_platform(hour.created)
        .await
        .unwrap();
    assert_eq!(counts.values().sum::<u64>(), 7);
    let from = PostFilter {
        created: TimeRange {
            from: Some(time("2017-06-01T00:00:00Z")),
            to: None,
        },
        platform: None,
    };
    assert_eq!(
        ids(&walk(&database, from, 10).await),
        ["zone after", "iso after", "text after", "ours after"]
    );
}

#[tokio::test]
async fn the_newest_time_is_found_among_several_forms() {
    let folder = TempDir::new().unwrap();
    let database = sqlite_made_by_another(folder.path()).await;
    sql(
        &database,
        "INSERT INTO posts (created_at) VALUES ('2017-05-31T01:00:00+00:00'), ('2017-05-31 23:00:00'), ('2017-05-30')",
    )
    .await;
    let newest = database.newest_created_at().await.unwrap();
    assert_eq!(newest, Some(time("2017-05-31T23:00:00Z")));
}

/// 379 posts of one day, written by the Prosocial Ranking Challenge's own tools.
#[tokio::test]
async fn a_real_database_of_others_opens_and_works() {
    let folder = TempDir::new().unwrap();
    let Some(file) = unpack_real_posts(folder.path()) else {
        return;
    };

    let database = Database::connect(&database_at(format!("sqlite://{}", file.display())))
        .await
        .unwrap();
    let rows = "SELECT id || post_id || session_timestamp || created_at || post_blob FROM posts ORDER BY id";
    let rows_before = texts(&database, DbBackend::Sqlite, rows).await;
    let objects_before = texts(&database, DbBackend::Sqlite, SQLITE_OBJECTS).await;
    assert_eq!(rows_before.len(), 379);
    database.migrate().await.unwrap();
    assert!(
        texts(&database, DbBackend::Sqlite, rows).await == rows_before,
        "rows changed"
    );
    assert_eq!(
        texts(&database, DbBackend::Sqlite, SQLITE_OBJECTS).await,
        objects_before
    );

    let day = between("2017-05-31T00:00:00Z", "2017-06-01T00:00:00Z");
    let posts = walk(&database, day.clone(), 100).await;
    assert_eq!(posts.len(), 379);
    assert!(
        posts
            .iter()
            .all(|post| post.text.is_some() || post.title.is_some())
    );
    let evening = between("2017-05-31T12:00:00Z", "2017-06-01T00:00:00Z");
    let noon = between("2017-05-31T00:00:00Z", "2017-05-31T12:00:00Z");
    let halves = walk(&database, noon, 100).await.len() + walk(&database, evening, 100).await.len();
    assert_eq!(halves, 379);
    assert_eq!(
        database.newest_created_at().await.unwrap(),
        Some(time("2017-05-31T23:52:58Z"))
    );

    database
        .insert_posts(&[post("ours", "text")])
        .await
        .unwrap();
    assert_eq!(walk(&database, day, 1_000).await.len(), 380);
}
