//! What errors of a real Postgres mean.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use weir::db::{Database, DbError};
use weir::settings::DatabaseSettings;
use weir_test_support::Postgres;

use crate::common::databases::{TestDatabase, database_at};

/// Codes by what they mean: worth another try on this connection, worth one on another connection, refused data, and faults
/// of the statement. Each class of the appendix is here, and each code that differs from its class.
const PASSING: [&str; 19] = [
    "40001", "40002", "40003", "40P01", "53000", "53100", "53200", "53300", "53400", "55006",
    "55P03", "57014", "58000", "58030", "58P01", "58P02", "72000", "XX000", "40000",
];
const RECONNECT: [&str; 29] = [
    "08000", "08001", "08003", "08004", "08006", "08P01", "0P000", "25006", "25P03", "25P04",
    "26000", "28000", "28P01", "3D000", "3F000", "42501", "42703", "42704", "42P01", "42P05",
    "55000", "55P02", "57P01", "57P02", "57P03", "57P04", "57P05", "F0000", "XX001",
];
const DATA: [&str; 12] = [
    "22000", "22001", "22003", "22021", "22P02", "22P05", "23502", "23505", "23514", "44000",
    "54000", "P0001",
];
const FAULTS: [&str; 24] = [
    "03000", "09000", "0A000", "0B000", "0F000", "0L000", "0Z000", "20000", "21000", "24000",
    "25000", "25P01", "27000", "2B000", "2D000", "2F000", "34000", "38000", "39000", "3B000",
    "42601", "42883", "HV000", "P0000",
];

async fn raised(database: &Database, code: &str) -> DbError {
    let raise =
        format!("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'm'; END $$");
    database
        .reader()
        .execute_unprepared(&raise)
        .await
        .unwrap_err()
        .into()
}

#[tokio::test]
async fn every_class_of_sqlstate_has_its_meaning() {
    let TestDatabase { database, .. } = TestDatabase::postgres().await;
    for code in PASSING {
        let error = raised(&database, code).await;
        assert!(
            error.is_unavailable() && !error.class().reconnect,
            "{code}: {error}"
        );
    }
    for code in RECONNECT {
        let error = raised(&database, code).await;
        assert!(
            error.is_unavailable() && error.class().reconnect,
            "{code}: {error}"
        );
    }
    for code in DATA {
        let error = raised(&database, code).await;
        assert!(matches!(error, DbError::Data(_)), "{code}: {error}");
    }
    for code in FAULTS {
        let error = raised(&database, code).await;
        assert!(matches!(error, DbError::Other(_)), "{code}: {error}");
        assert_eq!(error.class().retry_after_s, None);
    }
}

/// The condition of the error with which a connection to `settings` fails.
async fn refusal(settings: &DatabaseSettings) -> &'static str {
    let error = Database::connect(settings).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    error.class().condition
}

#[tokio::test]
async fn a_failed_connection_reports_its_cause() {
    let postgres = Postgres::start();
    let setup = TestDatabase::postgres_of(&postgres).await.database;
    let run = async |sql: &str| setup.reader().execute_unprepared(sql).await.unwrap();
    run("CREATE ROLE nobody LOGIN CONNECTION LIMIT 0").await;
    run("CREATE ROLE stranger LOGIN PASSWORD 'right'").await;
    postgres.require_password_of("stranger");
    let url = |user: &str, database: &str| {
        format!(
            "postgres://{user}@localhost/{database}?host={}",
            postgres.folder()
        )
    };
    for (url, condition) in [
        (
            url("postgres", "missing"),
            "the database does not exist (database.create makes it)",
        ),
        (url("nobody", "postgres"), "too many connections"),
        (url("stranger:wrong", "postgres"), "credentials refused"),
        (url("missing", "postgres"), "credentials refused"),
        (
            url("postgres", "postgres") + "&sslmode=require",
            "TLS failed",
        ),
        (url("postgres", "postgres") + "nowhere", "unreachable"),
    ] {
        let mut settings = database_at(url);
        settings.connect_timeout = Duration::from_secs(1);
        let found = refusal(&settings).await;
        let both = [condition, "no connection within database.connect_timeout"];
        assert!(both.contains(&found), "{condition}: {found}");
        // What passes by itself is waited for until the time is over.
        if condition != "too many connections" {
            assert_eq!(found, condition);
        }
    }
}

#[tokio::test]
async fn a_database_that_is_asked_for_is_created() {
    let postgres = Postgres::shared();
    let mut settings = database_at(format!(
        "postgres://postgres@localhost/made%20%22by%22%20weir?host={}",
        postgres.folder()
    ));
    assert!(Database::connect(&settings).await.is_err());
    settings.create = true;
    let [first, second] = [0, 1].map(|_| {
        let settings = settings.clone();
        tokio::spawn(async move {
            let database = Database::connect(&settings).await.unwrap();
            database.migrate().await.unwrap();
        })
    });
    first.await.unwrap();
    second.await.unwrap();
    settings.create = false;
    assert!(
        Database::connect(&settings)
            .await
            .unwrap()
            .is_empty()
            .await
            .unwrap()
    );
}
