//! URLs with several hosts.

use reqwest::StatusCode;
use sea_orm::ConnectionTrait;
use weir::db::Database;
use weir_test_support::{Postgres, Weir};

use crate::common::databases::database_at;
use crate::start_order::{hand_in, until_refused, until_stored};

async fn set_read_only(server: &Postgres, read_only: bool) {
    let admin = Database::connect(&database_at(server.url())).await.unwrap();
    let set = format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}");
    for statement in [set.as_str(), "SELECT pg_reload_conf()"] {
        admin.reader().execute_unprepared(statement).await.unwrap();
    }
}

fn url(hosts: [&str; 2], parameters: &str) -> String {
    let hosts = hosts.join(",");
    format!("postgres://postgres@localhost/postgres?host={hosts}{parameters}")
}

#[tokio::test]
async fn each_host_is_tried_in_turn() {
    let (first, second) = (Postgres::start(), Postgres::start());
    set_read_only(&first, true).await;
    let nowhere = format!("{}/nowhere", first.folder());
    for (hosts, parameters) in [
        ([nowhere.as_str(), second.folder()], ""),
        ([second.folder(), nowhere.as_str()], ""),
        (
            [first.folder(), second.folder()],
            "&target_session_attrs=read-write",
        ),
    ] {
        let mut settings = database_at(url(hosts, parameters));
        settings.query_url = settings.url.clone();
        let database = Database::connect(&settings).await.unwrap();
        database.migrate().await.unwrap();
    }
    let both = [nowhere.as_str(), first.folder()];
    let settings = database_at(url(both, "&target_session_attrs=read-write"));
    assert!(
        Database::connect(&settings)
            .await
            .unwrap_err()
            .is_unavailable()
    );
}

#[tokio::test]
async fn an_instance_follows_the_primary_among_its_hosts() {
    let (first, second) = (Postgres::start(), Postgres::start());
    set_read_only(&first, true).await;
    let settings = format!(
        "schedules.top_named_entities.enabled = false\ndatabase.url = {:?}\n",
        url([first.folder(), second.folder()], "")
    );
    let weir = Weir::start(&settings);
    until_stored(&weir).await;

    set_read_only(&first, false).await;
    let other = Database::connect(&database_at(first.url())).await.unwrap();
    other.migrate().await.unwrap();
    set_read_only(&second, true).await;
    until_refused(&weir).await;

    weir.when("/health/ready", |ready| ready.get("degraded").is_none())
        .await;
    assert_eq!(hand_in(&weir, 2).await.status(), StatusCode::OK);
}
