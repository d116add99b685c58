use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use reqwest::Method;
use weir_test_support::{Weir, http_client};

use super::{ADMIN_ROUTES, QUIET, status};

const SCRAPER_REPORT: &str = r#"{"success": true, "task_id": "test", "timestamp": "2026-11-20T10:00:00",
    "data": {"content_items": []}, "error": null}"#;

/// Status of a scraper's report that is sent with these headers, once the database is ready.
async fn ingest(weir: &Weir, headers: &[(&str, &str)]) -> u16 {
    weir.when("/health/ready", |_| {
        weir.log().contains("the database is ready")
    })
    .await;
    let request = http_client().post(weir.url("/data/scraper"));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = request.body(SCRAPER_REPORT).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn the_key_of_the_data_folder_opens_admin_and_ingest_and_nothing_else_does() {
    let weir = Weir::start(QUIET);
    let key = weir.key();
    for (method, path) in ADMIN_ROUTES {
        let asked = async |headers: &[(&str, &str)]| {
            status(&weir.url(""), method.clone(), path, headers)
                .await
                .as_u16()
        };
        assert_eq!(asked(&[]).await, 401, "{method} {path}");
        assert_eq!(
            asked(&[("x-api-key", "other")]).await,
            403,
            "{method} {path}"
        );
        let opened = asked(&[("x-api-key", &key)]).await;
        assert!(![401, 403].contains(&opened), "{method} {path}: {opened}");
    }
    assert_eq!(ingest(&weir, &[]).await, 401);
    assert_eq!(ingest(&weir, &[("x-api-key", &key)]).await, 200);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let open = status(&weir.url(""), Method::GET, path, &[]).await;
        assert_eq!(open, 200, "{path}");
    }
    let log = weir.log();
    assert!(
        log.contains("admin key created") && log.contains("admin.key"),
        "{log}"
    );
    assert!(log.contains("/rank and /score are open"), "{log}");
    assert!(!log.contains(&key));
}

#[tokio::test]
async fn a_key_is_for_its_owner_and_lasts_over_restarts() {
    let mut weir = Weir::start(QUIET);
    let key = weir.key();
    let file = weir.data_dir().join("admin.key");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    weir.kill();
    weir.start_again();
    assert_eq!(weir.key(), key);
    assert_eq!(weir.get("/actors").await.status(), 200);
    assert!(weir.log().contains("admin key read"));

    weir.stop();
    fs::remove_file(&file).unwrap();
    weir.start_again();
    assert_ne!(weir.key(), key);
    assert_eq!(weir.get("/actors").await.status(), 403, "the old key");
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_made_private_and_reported() {
    let mut weir = Weir::start(QUIET);
    let file = weir.data_dir().join("admin.key");
    weir.stop();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&file, open).unwrap();
    weir.start_again();
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(
        weir.log().contains("was open to other users"),
        "{}",
        weir.log()
    );
}

#[tokio::test]
async fn a_key_file_without_a_key_prevents_the_start() {
    let mut weir = Weir::start(QUIET);
    weir.stop();
    let file = weir.data_dir().join("admin.key");
    fs::write(&file, "").unwrap();
    assert_eq!(weir.refuses_to_start(), Some(1));
    fs::remove_file(&file).unwrap();
    symlink("elsewhere", &file).unwrap();
    assert_eq!(weir.refuses_to_start(), Some(1));
    weir.add_settings("auth.admin = [\"mine\"]");
    weir.start_again();
    assert!(!weir.data_dir().join("elsewhere").exists());
}

#[tokio::test]
async fn a_configured_key_replaces_the_generated_one() {
    let mut weir = Weir::start(QUIET);
    let made = weir.key();
    weir.stop();
    weir.add_settings("auth = { admin = [\"mine\"], ingest = [\"scraper\"] }");
    weir.start_again();
    let asked = async |key: &str| {
        let headers = [("x-api-key", key)];
        let admin = status(&weir.url(""), Method::GET, "/actors", &headers).await;
        (admin.as_u16(), ingest(&weir, &headers).await)
    };
    assert_eq!(asked(&made).await, (403, 403));
    assert_eq!(asked("scraper").await, (403, 200));
    assert_eq!(asked("mine").await, (200, 200));
}

#[tokio::test]
async fn an_open_scope_needs_no_key_and_is_reported() {
    let weir = Weir::start(&format!("{QUIET}auth.open = [\"ingest\"]"));
    assert_eq!(ingest(&weir, &[]).await, 200);
    assert_eq!(ingest(&weir, &[("content-type", "text/plain")]).await, 200);
    assert_eq!(ingest(&weir, &[("origin", "https://a.example")]).await, 401);
    let admin = status(&weir.url(""), Method::GET, "/actors", &[]).await;
    assert_eq!(admin, 401);
    let log = weir.log();
    let told = log.lines().find(|line| line.contains("auth.open")).unwrap();
    assert!(
        told.contains("WARN") && told.contains("\"ingest\""),
        "{told}"
    );
}
