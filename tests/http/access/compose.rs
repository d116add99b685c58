use std::process::{Command, Stdio};

use serde_json::json;
use weir_test_support::{Postgres, Weir, http_client};

use super::command_line::weir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The settings in the environment of the compose file's `weir`, with the variables that have no value left out. Variables
/// of the caller are replaced by those in `given`, or by their defaults.
fn compose_settings(given: &[(&str, &str)]) -> String {
    let file = std::fs::read_to_string(format!("{ROOT}/docker/compose.yml")).unwrap();
    let lines = file.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("WEIR__")?.split_once(": ")?;
        let value = substitute(value, given);
        let key = name.to_lowercase().replace("__", ".");
        let value = if key.starts_with("auth.") {
            format!("[{value:?}]")
        } else {
            format!("{value:?}")
        };
        (value != "[\"\"]").then(|| format!("{key} = {value}\n"))
    });
    lines.collect()
}

/// Puts values in place of `${NAME:-DEFAULT}`.
fn substitute(text: &str, given: &[(&str, &str)]) -> String {
    let Some((before, rest)) = text.split_once("${") else {
        return text.to_owned();
    };
    let (variable, after) = rest.split_once('}').unwrap();
    let (name, default) = variable.split_once(":-").unwrap();
    let value = given.iter().find(|(given, _)| *given == name);
    let value = value.map_or(default, |(_, value)| value);
    format!("{before}{value}{}", substitute(after, given))
}

/// Runs psql as the image of Postgres does with the files of its init folder.
fn psql(postgres: &Postgres, user: &str, database: &str, arguments: &[&str]) {
    let status = Command::new("psql")
        .args(["-qX", "-v", "ON_ERROR_STOP=1", "-h", postgres.folder()])
        .args(["-U", user, "-d", database])
        .args(arguments)
        .env("POSTGRES_QUERY_PASSWORD", "weir_query")
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "psql {arguments:?}");
}

/// The stores of the compose file, and the settings with this server's address in them.
fn composed(given: &[(&str, &str)]) -> (Postgres, String) {
    let postgres = Postgres::start();
    let user = [
        "-c",
        "CREATE ROLE weir SUPERUSER LOGIN",
        "-c",
        "CREATE DATABASE weir OWNER weir",
    ];
    psql(&postgres, "postgres", "postgres", &user);
    psql(
        &postgres,
        "weir",
        "weir",
        &["-f", &format!("{ROOT}/docker/query_role.sql")],
    );
    let address = format!("@localhost/weir?host={}", postgres.folder());
    let settings = compose_settings(given);
    assert_eq!(settings.matches("@postgres/weir").count(), 2, "{settings}");
    (postgres, settings.replace("@postgres/weir", &address))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compose_file_has_a_role_that_reads_posts_and_nothing_else() {
    let (_postgres, settings) = composed(&[]);
    let weir_process = Weir::start(&format!(
        "{settings}rankings.enabled = true\nschedules.top_named_entities.enabled = false"
    ));
    let demo = weir(&["demo"])
        .env("WEIR_URL", weir_process.url(""))
        .env("WEIR_KEY", weir_process.key())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{said}");

    for (query, state) in [
        ("SELECT count(*) FROM posts", "succeeded"),
        ("SELECT count(*) FROM rankings", "dead"),
        ("SELECT count(*) FROM scraper_data", "dead"),
        ("SELECT count(*) FROM weir_entity_counts", "dead"),
        ("SELECT pg_read_file('/etc/hostname')", "dead"),
    ] {
        let job = json!({"job": "query_posts_db", "args": {"query": query}});
        let id = weir_process.submit_id(&job).await;
        let ended = weir_process.finished(&id).await;
        assert_eq!(ended["state"], state, "{query}: {ended}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compose_file_lets_scrapers_in_by_key_or_on_purpose() {
    for (given, key, expected) in [
        (&[][..], None, 401),
        (&[("WEIR_INGEST_KEY", "scraper")], Some("scraper"), 200),
        (&[("WEIR_ADMIN_KEY", "admin")], Some("admin"), 200),
        (&[("WEIR_OPEN", "ingest")], None, 200),
    ] {
        let (_postgres, settings) = composed(given);
        let weir = Weir::start(&settings);
        weir.when("/health/ready", |_| {
            weir.log().contains("the database is ready")
        })
        .await;
        let report = json!({
            "success": true, "task_id": "test", "timestamp": "2026-11-20T10:00:00",
            "data": {"content_items": []}, "error": null,
        });
        let request = http_client().post(weir.url("/data/scraper")).json(&report);
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        assert_eq!(
            request.send().await.unwrap().status(),
            expected,
            "{given:?}"
        );
    }
}
