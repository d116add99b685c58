//! A Weir that starts before its Postgres is ready for it, or loses it later.

use std::path::Path;

use reqwest::StatusCode;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use weir::db::Database;
use weir_test_support::{Postgres, Weir};

use crate::common::databases::database_at;

const STILL: &str = "schedules.top_named_entities.enabled = false\n";

async fn admin(postgres: &Postgres) -> Database {
    Database::connect(&database_at(postgres.url()))
        .await
        .unwrap()
}

async fn run(database: &Database, sql: &str) {
    database.reader().execute_unprepared(sql).await.unwrap();
}

fn weir_at(url: &str, more: &str) -> Weir {
    Weir::start(&format!("{STILL}database.url = {url:?}\n{more}"))
}

fn issue<'r>(ready: &'r Value, part: &str) -> Option<&'r str> {
    let issues = ready["degraded"].as_array()?;
    issues.iter().find(|issue| issue["part"] == part)?["why"].as_str()
}

/// Waits until ready says so of the database, or nothing.
async fn until_database_is(weir: &Weir, condition: Option<&str>) {
    weir.when("/health/ready", |ready| {
        issue(ready, "database") == condition
    })
    .await;
}

fn report(number: u32) -> Value {
    json!({
        "success": true, "task_id": "t", "timestamp": "2026-11-20T10:00:00",
        "data": {"content_items": [{"id": number, "id_str": number.to_string(), "rawContent": "text"}]},
    })
}

pub(crate) async fn hand_in(weir: &Weir, number: u32) -> reqwest::Response {
    weir.post_json("/data/scraper", &report(number)).await
}

/// Lines about the database that are warnings or errors.
fn troubles(weir: &Weir) -> Vec<String> {
    let log = weir.log();
    let is_trouble = |line: &&str| {
        line.contains("database") && (line.contains("\"WARN\"") || line.contains("\"ERROR\""))
    };
    log.lines().filter(is_trouble).map(str::to_owned).collect()
}

/// A Weir on `url` whose database is not ready for the reason `condition`, until `mend` is run.
async fn works_once_mended(postgres: &Postgres, url: &str, condition: &str, mend: &str) {
    let weir = weir_at(url, "");
    until_database_is(&weir, Some(condition)).await;
    let ready = weir
        .when("/health/ready", |ready| issue(ready, "jobs").is_some())
        .await;
    assert_eq!(
        issue(&ready, "jobs"),
        Some("waiting until the database is prepared")
    );
    let job = json!({"job": "post_statistics"});
    let id = weir.submit_id(&job).await;
    let refused = hand_in(&weir, 1).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(
        troubles(&weir).len(),
        1,
        "once per reason: {:#?}",
        troubles(&weir)
    );

    run(&admin(postgres).await, mend).await;

    assert_eq!(weir.finished(&id).await["state"], "succeeded");
    until_database_is(&weir, None).await;
    let ready = weir.get("/health/ready").await.json().await.unwrap();
    assert_eq!(issue(&ready, "jobs"), None);
    assert_eq!(hand_in(&weir, 1).await.status(), StatusCode::OK);
}

fn url_of(postgres: &Postgres, user: &str, database: &str) -> String {
    format!(
        "postgres://{user}@localhost/{database}?host={}",
        postgres.folder()
    )
}

#[tokio::test]
async fn jobs_begin_once_a_missing_database_is_there() {
    let postgres = Postgres::start();
    let url = url_of(&postgres, "postgres", "late");
    let condition = "the database does not exist (database.create makes it)";
    works_once_mended(&postgres, &url, condition, "CREATE DATABASE late").await;
}

#[tokio::test]
async fn jobs_begin_once_the_password_is_right() {
    let postgres = Postgres::start();
    let setup = admin(&postgres).await;
    run(
        &setup,
        "CREATE ROLE weir LOGIN PASSWORD 'other'; GRANT CREATE ON SCHEMA public TO weir",
    )
    .await;
    postgres.require_password_of("weir");
    let url = url_of(&postgres, "weir:secret", "postgres");
    let mend = "ALTER ROLE weir PASSWORD 'secret'";
    works_once_mended(&postgres, &url, "credentials refused", mend).await;
}

#[tokio::test]
async fn jobs_begin_once_the_role_has_its_rights() {
    let postgres = Postgres::start();
    run(&admin(&postgres).await, "CREATE ROLE weir LOGIN").await;
    let url = url_of(&postgres, "weir", "postgres");
    let mend = "GRANT CREATE ON SCHEMA public TO weir";
    works_once_mended(&postgres, &url, "permission denied", mend).await;
}

#[tokio::test]
async fn jobs_begin_once_the_database_may_be_written() {
    let postgres = Postgres::start();
    let setup = admin(&postgres).await;
    run(&setup, "CREATE DATABASE quiet").await;
    run(
        &setup,
        "ALTER DATABASE quiet SET default_transaction_read_only = on",
    )
    .await;
    let url = url_of(&postgres, "postgres", "quiet");
    let mend = "ALTER DATABASE quiet SET default_transaction_read_only = off";
    works_once_mended(&postgres, &url, "read-only (failover?)", mend).await;
}

#[tokio::test]
async fn jobs_begin_once_the_server_takes_connections() {
    let postgres = Postgres::start();
    let setup = admin(&postgres).await;
    run(&setup, "CREATE DATABASE shut ALLOW_CONNECTIONS false").await;
    let url = url_of(&postgres, "postgres", "shut");
    let mend = "ALTER DATABASE shut ALLOW_CONNECTIONS true";
    works_once_mended(&postgres, &url, "not in a state for that", mend).await;
}

#[tokio::test]
async fn the_embedded_store_is_there_once_its_database_is() {
    let postgres = Postgres::start();
    let url = url_of(&postgres, "postgres", "late");
    let weir = weir_at(&url, "store.backend = \"embedded\"\n");
    let job = json!({"job": "post_statistics"});
    let refused = weir.post_json("/jobs", &job).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));

    run(&admin(&postgres).await, "CREATE DATABASE late").await;

    weir.when("/health/ready", |ready| ready.get("degraded").is_none())
        .await;
    let id = weir.submit_id(&job).await;
    assert_eq!(weir.finished(&id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_database_is_created_when_that_is_asked_for() {
    let postgres = Postgres::start();
    let url = url_of(&postgres, "postgres", "mine");
    let weir = weir_at(
        &url,
        "database.create = true\nstore.backend = \"embedded\"\n",
    );
    weir.when("/health/ready", |ready| ready.get("degraded").is_none())
        .await;
    let id = weir.submit_id(&json!({"job": "post_statistics"})).await;
    assert_eq!(weir.finished(&id).await["state"], "succeeded");
}

/// An address that first leads to one server and then to another, as a name does whose record changes.
#[tokio::test]
async fn after_a_failover_the_new_primary_is_found_though_the_old_one_lives() {
    let (old, new) = (Postgres::start(), Postgres::start());
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("primary");
    std::os::unix::fs::symlink(old.folder(), &address).unwrap();
    let url = format!(
        "postgres://postgres@localhost/postgres?host={}",
        address.display()
    );
    let weir = weir_at(&url, "");
    until_stored(&weir).await;
    admin(&new).await.migrate().await.unwrap();

    // Open sessions see it too, as those of a demoted primary do.
    let demote = "ALTER SYSTEM SET default_transaction_read_only = on";
    run(&admin(&old).await, demote).await;
    run(&admin(&old).await, "SELECT pg_reload_conf()").await;
    until_refused(&weir).await;
    until_database_is(&weir, Some("read-only (failover?)")).await;
    for number in 100..120 {
        let refused = hand_in(&weir, number).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let ready = weir.get("/health/ready").await.json().await.unwrap();
        assert_eq!(
            issue(&ready, "database"),
            Some("read-only (failover?)"),
            "no flapping"
        );
    }
    assert_eq!(troubles(&weir).len(), 1, "{:#?}", troubles(&weir));
    point(&address, Path::new(new.folder()), folder.path());

    until_database_is(&weir, None).await;
    assert_eq!(hand_in(&weir, 2).await.status(), StatusCode::OK);
}

/// Waits until the database is prepared.
pub(crate) async fn until_stored(weir: &Weir) {
    while hand_in(weir, 0).await.status() != StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

pub(crate) async fn until_refused(weir: &Weir) {
    for number in 10.. {
        if hand_in(weir, number).await.status() != StatusCode::OK {
            return;
        }
    }
}

fn point(link: &Path, target: &Path, folder: &Path) {
    let next = folder.join("next");
    std::os::unix::fs::symlink(target, &next).unwrap();
    std::fs::rename(next, link).unwrap();
}

/// A trigger raises what the test asks for, as the server would.
#[tokio::test]
async fn a_temporary_error_is_503_and_in_ready_and_a_permanent_one_is_500() {
    let postgres = Postgres::start();
    let weir = weir_at(&postgres.url(), "");
    until_stored(&weir).await;
    let setup = admin(&postgres).await;
    run(
        &setup,
        "CREATE TABLE trouble (code text);
         CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE wanted text;
         BEGIN
            SELECT code INTO wanted FROM trouble;
            IF wanted IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = wanted, MESSAGE = 'm'; END IF;
            RETURN NEW;
         END $$;
         CREATE TRIGGER trouble BEFORE INSERT ON scraper_data FOR EACH ROW EXECUTE FUNCTION trouble();",
    )
    .await;
    let mut number = 0;
    for (code, status, retry_after, condition) in [
        ("53100", 503, Some("1"), Some("disk full")),
        ("53300", 503, Some("1"), Some("too many connections")),
        ("57014", 503, Some("1"), Some("statement timeout or cancel")),
        ("57P01", 503, Some("1"), Some("shutting down")),
        ("25006", 503, Some("1"), Some("read-only (failover?)")),
        ("42501", 503, Some("30"), Some("permission denied")),
        ("58030", 503, Some("1"), Some("I/O error of the server")),
        ("40001", 503, Some("1"), None),
        ("55P03", 503, Some("1"), None),
        ("42883", 500, None, None),
        ("23505", 200, None, None),
    ] {
        run(&setup, &format!("INSERT INTO trouble VALUES ('{code}')")).await;
        for _ in 0..5 {
            number += 1;
            let answer = hand_in(&weir, number).await;
            assert_eq!(answer.status().as_u16(), status, "{code}");
            let told = answer
                .headers()
                .get("retry-after")
                .map(|told| told.to_str().unwrap());
            assert_eq!(told, retry_after, "{code}");
        }
        let ready = weir.get("/health/ready").await.json().await.unwrap();
        assert_eq!(issue(&ready, "database"), condition, "{code}");
        run(&setup, "DELETE FROM trouble").await;
        until_database_is(&weir, None).await;
        assert_eq!(
            hand_in(&weir, number).await.status(),
            StatusCode::OK,
            "{code}"
        );
    }
    let troubles = troubles(&weir);
    assert_eq!(
        troubles.len(),
        8,
        "one line for each condition: {troubles:#?}"
    );
}
