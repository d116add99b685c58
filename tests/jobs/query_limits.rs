//! Queries that would cost too much: memory, time, connections.

use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use weir::db::{QueryError, QueryLimits};
use weir::jobs::JobError;
use weir_test_support::Weir;

use crate::Workplace;
use crate::common::databases::{TestDatabase, on_both_databases};
use crate::common::posts::post;
use crate::query_posts_db::{JOB, peak_kib, with_query_role};

on_both_databases! {
    an_error_in_a_query_is_reported_in_the_words_of_the_database,
    text_in_no_encoding_is_an_error_of_the_query,
    an_abandoned_query_leaves_no_process,
}

const LIMITS: QueryLimits = QueryLimits {
    rows: 1_000,
    bytes: 1_000_000,
    time: Duration::from_secs(20),
};

/// The process that runs a query for this one.
fn query_process() -> Option<u32> {
    query_process_of(std::process::id())
}

/// Processes of the server that work on queries of this database.
async fn backends(data: &TestDatabase) -> i64 {
    if data.settings.url.expose().starts_with("sqlite:") {
        return 0;
    }
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir query' \
                 AND datname = current_database()";
    let row = data
        .database
        .reader()
        .query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            count,
        ));
    row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn nobody_is_at_work(data: &TestDatabase) {
    let given_up = Instant::now() + Duration::from_secs(20);
    while query_process().is_some() || backends(data).await > 0 {
        assert!(Instant::now() < given_up, "somebody still works on it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_value_that_is_too_large_ends_the_query_and_costs_no_memory() {
    let data = TestDatabase::sqlite().await;
    data.database.insert_posts(&[post("a", "x")]).await.unwrap();
    let place = Workplace::new(data);
    let before = peak_kib();
    for query in [
        "select zeroblob(900000000)",
        "select zeroblob(200000000)",
        "select hex(zeroblob(450000000))",
        "select printf('%900000000s', 'x')",
        "select zeroblob(90000000), zeroblob(90000000), zeroblob(90000000), zeroblob(90000000)",
        "select group_concat(hex(zeroblob(10000000))) from (values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10))",
        "select json_group_array(hex(zeroblob(10000000))) from (values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10))",
    ] {
        let begun = Instant::now();
        let error = place.try_run(JOB, json!({ "query": query })).await;
        let error = error.expect_err(query);
        assert!(matches!(error, JobError::Permanent(_)), "{query}: {error}");
        assert!(error.to_string().contains("memory"), "{query}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{query}");
    }
    let grown = peak_kib() - before;
    assert!(grown < 50_000, "{grown} KiB");

    let answer = place
        .run(JOB, json!({"query": "select zeroblob(2000000)"}))
        .await;
    assert_eq!(
        (&answer["rows"], &answer["truncated"]),
        (&json!([]), &json!(true))
    );
    let names = format!("select 1 as \"{}\"", "n".repeat(2_000_000));
    let error = place.try_run(JOB, json!({ "query": names })).await;
    assert!(matches!(error, Err(JobError::Permanent(_))));
}

#[tokio::test]
async fn a_large_value_is_not_fetched_from_postgres() {
    let data = with_query_role(TestDatabase::postgres().await).await;
    let before = peak_kib();
    let large = "SELECT 1, repeat('x', 150000000) UNION ALL SELECT 2, ''";
    let answer = data.database.query(large, LIMITS).await.unwrap();
    assert!(answer.truncated && answer.rows.is_empty());
    let many = "SELECT repeat('x', 400000), repeat('x', 400000), repeat('x', 400000)";
    let answer = data.database.query(many, LIMITS).await.unwrap();
    assert!(answer.truncated && answer.rows.is_empty());
    let grown = peak_kib() - before;
    assert!(grown < 50_000, "{grown} KiB");
}

#[tokio::test]
async fn a_query_cannot_raise_its_time_limit_on_postgres() {
    let data = with_query_role(TestDatabase::postgres().await).await;
    let limits = QueryLimits {
        time: Duration::from_secs(1),
        ..LIMITS
    };
    // Rows are fetched by the hundred: those that sleep come after the setting has been changed.
    let sleeps = "SELECT set_config('statement_timeout', '0', false), \
                  CASE WHEN i > 500 THEN pg_sleep(60)::text END FROM generate_series(1, 900) i";
    let error = data.database.query(sleeps, limits).await.unwrap_err();
    assert!(matches!(error, QueryError::TimedOut { .. }), "{error}");
    nobody_is_at_work(&data).await;
}

#[tokio::test]
async fn what_a_query_sets_does_not_reach_the_next() {
    let data = with_query_role(TestDatabase::postgres().await).await;
    let ask = async |sql: &str| data.database.query(sql, LIMITS).await.unwrap().rows;
    let set = "SELECT set_config('TimeZone', 'Asia/Tokyo', false), pg_advisory_lock(7)";
    assert_eq!(ask(set).await, [[json!("Asia/Tokyo"), json!("")]]);
    let shown = ask("SELECT current_setting('TimeZone'), pg_try_advisory_lock(7)").await;
    assert_ne!(shown[0][0], "Asia/Tokyo");
    assert_eq!(shown[0][1], true);
}

#[tokio::test]
async fn every_kind_of_column_of_postgres_is_answered_as_it_was() {
    let data = with_query_role(TestDatabase::postgres().await).await;
    let ask = async |sql: &str| data.database.query(sql, LIMITS).await.unwrap();
    let kinds = "SELECT 1 AS a, 2 AS a, true, 1.5::float8, '{\"k\": 1}'::jsonb, ROW(1, 'x'), ARRAY[1, 2], 'ab'::char(4), \
                 '\\xff00'::bytea, NULL, 'x', 1.50::numeric, pg_sleep(0), 'infinity'::float8; -- the end";
    let answer = ask(kinds).await;
    assert_eq!(answer.columns[..2], ["a", "a"]);
    let row = json!([
        1, 2, true, 1.5, {"k": 1}, "(1,x)", "{1,2}", "ab  ", "\\xff00", null, "x", "1.50", "", "Infinity"
    ]);
    assert_eq!(Value::from(answer.rows[0].clone()), row);
    assert_eq!(ask("VALUES (1), (2)").await.rows.len(), 2);
    let ordered = ask("SELECT i FROM generate_series(1, 700) i ORDER BY i DESC").await;
    let numbers: Vec<i64> = ordered
        .rows
        .iter()
        .map(|row| row[0].as_i64().unwrap())
        .collect();
    assert!(numbers.into_iter().eq((1..=700).rev()));
    assert_eq!(ask("SELECT FROM posts").await.columns, [""; 0]);
}

async fn an_error_in_a_query_is_reported_in_the_words_of_the_database(data: TestDatabase) {
    let data = with_query_role(data).await;
    let mistake = "SELECT id,\n       foo\nFROM posts";
    let error = data
        .database
        .query(mistake, LIMITS)
        .await
        .unwrap_err()
        .to_string();
    let expected = if data.settings.url.expose().starts_with("sqlite:") {
        "the database refuses the query: no such column: foo"
    } else {
        "the database refuses the query: column \"foo\" does not exist (line 2, column 8 of the query)"
    };
    assert_eq!(error, expected);
}

async fn text_in_no_encoding_is_an_error_of_the_query(data: TestDatabase) {
    if data.settings.url.expose().starts_with("postgres") {
        return; // Its text is in the encoding of the database.
    }
    let place = Workplace::new(data);
    let query = "select 1, cast(x'ff00fe' as text)";
    let error = place
        .try_run(JOB, json!({ "query": query }))
        .await
        .unwrap_err();
    assert!(matches!(error, JobError::Permanent(_)), "{error}");
    assert!(error.to_string().contains("column 2 holds text"), "{error}");
}

async fn an_abandoned_query_leaves_no_process(data: TestDatabase) {
    let data = with_query_role(data).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";
    {
        let query = data.database.query(endless, LIMITS);
        tokio::pin!(query);
        let at_work = async {
            while query_process().is_none() && backends(&data).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            // It has been heard of; a moment later it is in the middle of its work.
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        tokio::select! {
            answer = &mut query => panic!("{answer:?}"),
            () = at_work => {}
        }
    }
    nobody_is_at_work(&data).await;
}

/// The process that runs a query for the process `parent`.
fn query_process_of(parent: u32) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let children = tasks.flatten().map(|task| task.path().join("children"));
    let pids = children.map(|file| std::fs::read_to_string(file).unwrap_or_default());
    let pids: Vec<u32> = pids
        .flat_map(|pids| {
            pids.split_whitespace()
                .flat_map(str::parse)
                .collect::<Vec<_>>()
        })
        .collect();
    let runs_query = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains("run-query"))
    };
    pids.into_iter().find(runs_query)
}

#[tokio::test]
async fn the_process_of_a_query_ends_with_the_server() {
    let mut weir = Weir::start(
        "store.backend = \"embedded\"\nschedules.top_named_entities.enabled = false\nauth.admin = [\"admin\"]\n",
    );
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";
    let job = json!({"job": JOB, "args": {"query": endless}});
    let jobs = weir.client.post(weir.url("/jobs")).bearer_auth("admin");
    assert_eq!(jobs.json(&job).send().await.unwrap().status(), 202);
    let given_up = Instant::now() + Duration::from_secs(20);
    let process = loop {
        if let Some(process) = query_process_of(weir.pid()) {
            break process;
        }
        assert!(Instant::now() < given_up, "{}", weir.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    weir.kill();
    while std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z"))
    {
        assert!(Instant::now() < given_up, "it outlives weir");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
