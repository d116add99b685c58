//! Databases of versions that kept entity counts by triggers on `posts`.

use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::json;
use weir::db::Database;
use weir_test_support::Postgres;

use crate::common::databases::{TestDatabase, database_at, on_both_databases, sql};
use crate::common::posts::post;
use crate::common::workplace::Workplace;
use crate::texts;

on_both_databases! {
    former_triggers_and_tables_go_and_posts_are_counted,
}

const FORMER_TABLES: [&str; 4] = [
    "weir_changed_hours",
    "weir_arrivals",
    "weir_post_entities",
    "weir_entity_hours",
];

const SQLITE: &str = "
    CREATE TABLE weir_changed_hours (id INTEGER PRIMARY KEY AUTOINCREMENT, hour TEXT NOT NULL,
        taken BOOLEAN NOT NULL DEFAULT FALSE, rewritten BOOLEAN NOT NULL DEFAULT FALSE);
    CREATE INDEX idx_weir_changed_hours_hour ON weir_changed_hours (hour, taken);
    CREATE TABLE weir_arrivals (id INTEGER PRIMARY KEY AUTOINCREMENT, post BIGINT NOT NULL, hour TEXT NOT NULL);
    CREATE TABLE weir_post_entities (post INTEGER PRIMARY KEY, model BIGINT NOT NULL, version BIGINT NOT NULL, names BLOB NOT NULL);
    CREATE TABLE weir_entity_hours (hour TEXT NOT NULL, platform TEXT NOT NULL, model BIGINT NOT NULL,
        names BIGINT NOT NULL, counts BLOB NOT NULL, PRIMARY KEY (hour, platform));
    CREATE TRIGGER weir_hours_of_inserted AFTER INSERT ON posts BEGIN
        INSERT INTO weir_arrivals (post, hour) VALUES (NEW.id, ''); END;
    CREATE TRIGGER weir_hours_of_updated AFTER UPDATE ON posts BEGIN
        INSERT INTO weir_changed_hours (hour) VALUES (''); END;
    CREATE TRIGGER weir_hours_of_deleted AFTER DELETE ON posts BEGIN
        DELETE FROM weir_post_entities WHERE post = OLD.id; END;
    CREATE TRIGGER weir_hours_of_replaced BEFORE INSERT ON posts WHEN EXISTS (SELECT 1 FROM posts WHERE id = NEW.id) BEGIN
        DELETE FROM weir_post_entities WHERE post = NEW.id; END;";

const POSTGRES: &str = "
    CREATE TABLE weir_changed_hours (id BIGSERIAL PRIMARY KEY, hour TEXT NOT NULL,
        taken BOOLEAN NOT NULL DEFAULT FALSE, rewritten BOOLEAN NOT NULL DEFAULT FALSE);
    CREATE INDEX idx_weir_changed_hours_hour ON weir_changed_hours (hour, taken);
    CREATE TABLE weir_arrivals (id BIGSERIAL PRIMARY KEY, post BIGINT NOT NULL, hour TEXT NOT NULL);
    CREATE TABLE weir_post_entities (post BIGINT PRIMARY KEY, model BIGINT NOT NULL, version BIGINT NOT NULL, names BYTEA NOT NULL);
    CREATE TABLE weir_entity_hours (hour TEXT COLLATE \"C\" NOT NULL, platform TEXT COLLATE \"C\" NOT NULL, model BIGINT NOT NULL,
        names BIGINT NOT NULL, counts BYTEA NOT NULL, PRIMARY KEY (hour, platform));
    CREATE FUNCTION weir_mark_hours() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        BEGIN INSERT INTO weir_changed_hours (hour) VALUES (''); RETURN NULL; END $$;
    CREATE TRIGGER weir_hours_of_inserted AFTER INSERT ON posts REFERENCING NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours();
    CREATE TRIGGER weir_hours_of_updated AFTER UPDATE ON posts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours();
    CREATE TRIGGER weir_hours_of_deleted AFTER DELETE ON posts REFERENCING OLD TABLE AS old_rows
        FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours();
    CREATE TRIGGER weir_hours_of_replaced AFTER TRUNCATE ON posts
        FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours();";

/// Makes the schema what it was before entity counts had fingerprints.
pub(super) async fn make_former(database: &Database) {
    let schema = match database.reader().get_database_backend() {
        DbBackend::Sqlite => SQLITE,
        _ => POSTGRES,
    };
    sql(database, "DROP TABLE weir_entity_counts").await;
    let forget = "DELETE FROM seaql_migrations WHERE version = 'm0006_create_entity_counts'";
    sql(database, forget).await;
    sql(database, schema).await;
}

/// The names of the triggers on `posts` and of Weir's tables.
async fn names(database: &Database) -> Vec<String> {
    let backend = database.reader().get_database_backend();
    let names = match backend {
        DbBackend::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'trigger' OR type = 'table' AND name LIKE 'weir%' ORDER BY name"
        }
        _ => {
            "SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'posts'::regclass
             UNION SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'weir%' ORDER BY 1"
        }
    };
    texts(database, backend, names).await
}

async fn former_triggers_and_tables_go_and_posts_are_counted(data: TestDatabase) {
    let database = &data.database;
    make_former(database).await;
    let posts = [post("1", "We flew to London."), post("2", "London calling")];
    database.insert_posts(&posts).await.unwrap();
    let former = names(database).await;
    assert!(
        FORMER_TABLES
            .iter()
            .all(|table| former.iter().any(|name| name == table))
    );
    assert_eq!(former.len(), 8);

    database.migrate().await.unwrap();
    assert_eq!(names(database).await, ["weir_entity_counts"]);
    let result = Workplace::new(data)
        .run("count_top_named_entities", json!({}))
        .await;
    assert_eq!(result["top_named_entities"], json!([["London", 2]]));
}

/// Whoever owns `posts`, Weir's role needs no more than to read it.
#[tokio::test]
async fn a_role_that_may_only_read_posts_takes_the_database_over_and_counts() {
    let postgres = Postgres::start();
    let TestDatabase { database, .. } = TestDatabase::postgres_of(&postgres).await;
    make_former(&database).await;
    let posts = [post("1", "We flew to London.")];
    database.insert_posts(&posts).await.unwrap();
    sql(
        &database,
        "CREATE ROLE reader LOGIN;
         GRANT USAGE, CREATE ON SCHEMA public TO reader;
         GRANT SELECT ON posts TO reader;
         ALTER FUNCTION weir_mark_hours() OWNER TO reader;
         DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT tablename FROM pg_tables WHERE tablename LIKE 'weir%' OR tablename LIKE 'seaql%' LOOP
                EXECUTE format('ALTER TABLE %I OWNER TO reader', name);
            END LOOP;
         END $$",
    )
    .await;
    let url = format!(
        "postgres://reader@localhost/test_0?host={}",
        postgres.folder()
    );
    let settings = database_at(url);
    let reader = TestDatabase::over(settings).await;
    assert_eq!(names(&reader.database).await, ["weir_entity_counts"]);
    let place = Workplace::new(reader);
    for count in 1..=2 {
        let result = place.run("count_top_named_entities", json!({})).await;
        assert_eq!(result["top_named_entities"], json!([["London", count]]));
        let another = post(&format!("another {count}"), "London calling");
        database.insert_posts(&[another]).await.unwrap();
    }
}
