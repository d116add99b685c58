use std::time::Duration;

use serde_json::{Value, json};
use weir::{
    db::{Database, QueryError, QueryLimits},
    jobs::{JobError, PrepareError, Registry},
};

use crate::{
    Workplace,
    common::{
        databases::{TestDatabase, on_both_databases, sql},
        posts::post,
    },
};

pub(crate) const JOB: &str = "query_posts_db";

on_both_databases! {
    a_select_answers_columns_and_rows,
    an_answer_is_cut_at_its_limits,
    anything_but_one_reading_select_is_refused,
    a_query_that_takes_too_long_is_ended,
}

/// On Postgres queries go through a role of their own, which may read the posts.
pub(crate) async fn with_query_role(mut data: TestDatabase) -> TestDatabase {
    let url = data.settings.url.expose().to_owned();
    if url.starts_with("postgres:") {
        let role = format!("reader_of_{}", url.split(['/', '?']).nth(3).unwrap());
        let grant = format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON posts TO {role}");
        sql(&data.database, &grant).await;
        data.settings.query_url = url
            .replace("postgres@", &format!("{role}@"))
            .as_str()
            .into();
        data.database = Database::connect(&data.settings).await.unwrap();
    }
    data
}

async fn a_select_answers_columns_and_rows(data: TestDatabase) {
    data.database
        .insert_posts(&[post("a", "x"), post("b", "y")])
        .await
        .unwrap();
    let place = Workplace::new(with_query_role(data).await);
    let query = "SELECT post_id, count(*) AS n, 1.5e0 * 1 AS x, NULL AS absent FROM posts GROUP BY post_id ORDER BY 1; -- end";
    let answer = place.run(JOB, json!({ "query": query })).await;
    assert_eq!(answer["columns"], json!(["post_id", "n", "x", "absent"]));
    let rows = answer["rows"].as_array().unwrap();
    assert_eq!((&rows[0][0], &rows[0][1]), (&json!("a"), &json!(1)));
    assert_eq!((&rows[1][0], &rows[1][3]), (&json!("b"), &Value::Null));
    assert_eq!((rows.len(), &answer["truncated"]), (2, &json!(false)));

    let none = place
        .run(JOB, json!({"query": "SELECT id FROM posts WHERE id < 0"}))
        .await;
    assert_eq!(
        none,
        json!({"columns": ["id"], "rows": [], "truncated": false})
    );
}

async fn an_answer_is_cut_at_its_limits(data: TestDatabase) {
    let posts: Vec<_> = (0..500)
        .map(|number| post(&number.to_string(), "text"))
        .collect();
    data.database.insert_posts(&posts).await.unwrap();
    let place = Workplace::new(with_query_role(data).await);
    for (max_rows, rows, truncated) in [(499, 499, true), (500, 500, false), (1, 1, true)] {
        let arguments = json!({"query": "SELECT id FROM posts", "max_rows": max_rows});
        let answer = place.run(JOB, arguments).await;
        assert_eq!(answer["rows"].as_array().unwrap().len(), rows);
        assert_eq!(answer["truncated"], truncated);
    }
    let limits = QueryLimits {
        rows: 1_000,
        bytes: 100,
        time: Duration::from_secs(10),
    };
    let answer = place
        .data
        .database
        .query("SELECT 'ten bytes!' FROM posts", limits)
        .await
        .unwrap();
    assert!(answer.truncated && answer.rows.len() < 10);
}

async fn anything_but_one_reading_select_is_refused(data: TestDatabase) {
    data.database.insert_posts(&[post("a", "x")]).await.unwrap();
    let place = Workplace::new(with_query_role(data).await);
    for query in [
        "SELECT foo FROM bar",
        "SELECT foo FROM posts",
        "SELECT 1; DELETE FROM posts",
        "SELECT 1; SELECT 2",
        "WITH a AS (SELECT 1) DELETE FROM posts",
        "WITH a AS (DELETE FROM posts RETURNING id) SELECT * FROM a",
        "SELECT * FROM pg_read_file('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT load_extension('x')",
    ] {
        let outcome = place.try_run(JOB, json!({ "query": query })).await;
        let Err(error) = outcome else {
            panic!("{query} was answered");
        };
        assert!(matches!(error, JobError::Permanent(_)), "{query}: {error}");
    }
    assert!(!place.data.database.is_empty().await.unwrap());
}

async fn a_query_that_takes_too_long_is_ended(data: TestDatabase) {
    let data = with_query_role(data).await;
    let limits = QueryLimits {
        rows: 10,
        bytes: 1_000,
        time: Duration::from_millis(200),
    };
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";
    let error = data.database.query(endless, limits).await.unwrap_err();
    assert!(
        matches!(error, QueryError::TimedOut { limit_ms: 200 }),
        "{error}"
    );
}

/// The most memory this process has had, in KiB.
pub(crate) fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().split_whitespace().next().unwrap();
    peak.parse().unwrap()
}

#[tokio::test]
async fn rows_behind_the_limits_are_not_held_in_memory() {
    let data = with_query_role(TestDatabase::postgres().await).await;
    let limits = QueryLimits {
        rows: 1_000,
        bytes: 1_000,
        time: Duration::from_secs(20),
    };
    let before = peak_kib();
    let large = "SELECT repeat('x', 2000000) FROM generate_series(1, 200)";
    let answer = data.database.query(large, limits).await.unwrap();
    assert!(answer.truncated && answer.rows.is_empty());
    let grown = peak_kib() - before;
    assert!(grown < 100_000, "{grown} KiB for one row of 2 MB");
}

#[tokio::test]
async fn without_a_role_for_it_postgres_is_not_queried() {
    let place = Workplace::new(TestDatabase::postgres().await);
    let error = place
        .try_run(JOB, json!({"query": "SELECT 1"}))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("database.query_url"), "{error}");
}

#[test]
fn what_is_no_select_is_refused_before_it_is_enqueued() {
    for query in [
        "",
        "DELETE FROM posts",
        "PRAGMA query_only = off",
        "ATTACH 'x' AS y",
        "SELECT 1\0",
    ] {
        let prepared = Registry::shipped().prepare(JOB, &json!({ "query": query }));
        assert!(
            matches!(prepared, Err(PrepareError::Argument(error)) if error.argument == "query")
        );
    }
}
