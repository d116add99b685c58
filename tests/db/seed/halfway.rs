//! What happens to a seed that ends when some of its posts are written and not yet committed.

use std::process::{Command, Stdio};
use std::time::Duration;

use sea_orm::sqlx::{Connection, Executor, PgConnection, query_scalar};
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use weir::db::{Database, OnExisting, TimeRange};
use weir::seeding::{LoadedSeed, SeedingError, load_seed};
use weir::settings::DatabaseSettings;
use weir_lab::Progress;
use weir_test_support::Postgres;

use super::{cohort, normalised};
use crate::common::databases::database_at;
use crate::common::posts::post;

/// Lets the 1,500th new post wait for whoever holds the advisory lock 7.
const WAIT: &str = "CREATE SEQUENCE arrivals;
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('arrivals') = 1500 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW;
    END $$;
    CREATE TRIGGER wait BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION wait();
    SELECT pg_advisory_lock(7);";
const WAITING: &str =
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";

/// A server of its own with a database of one post, and somebody who holds the lock.
async fn blocked() -> (Postgres, DatabaseSettings, Database, PgConnection) {
    let postgres = Postgres::start();
    let url = postgres.fresh_database();
    let settings = database_at(&url);
    let database = Database::connect(&settings).await.unwrap();
    database.migrate().await.unwrap();
    database
        .insert_posts(&[post("before", "text")])
        .await
        .unwrap();
    let mut holder = PgConnection::connect(&url).await.unwrap();
    holder.execute(WAIT).await.unwrap();
    (postgres, settings, database, holder)
}

async fn until_halfway(holder: &mut PgConnection) {
    while !query_scalar::<_, bool>(WAITING)
        .fetch_one(&mut *holder)
        .await
        .unwrap()
    {
        sleep(Duration::from_millis(5)).await;
    }
}

async fn count(database: &Database) -> u64 {
    let counts = database
        .count_posts_by_platform(TimeRange::default())
        .await
        .unwrap();
    counts.values().sum()
}

async fn upsert(
    items: &TempDir,
    database: &Database,
    stop: &CancellationToken,
) -> Result<LoadedSeed, SeedingError> {
    let (seed, progress) = (cohort(items.path(), 40), Progress::hidden());
    load_seed(seed, database, OnExisting::Replace, &progress, stop).await
}

#[tokio::test]
async fn an_interrupted_seed_leaves_the_database_as_it_was_and_can_be_run_again() {
    let ((_postgres, _, database, mut holder), items) = (blocked().await, normalised());
    let stop = CancellationToken::new();
    let interrupt = async {
        until_halfway(&mut holder).await;
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(upsert(&items, &database, &stop), interrupt);
    let error = outcome.unwrap_err();
    assert!(matches!(error, SeedingError::Interrupted), "{error}");
    assert!(
        error.to_string().contains("run the same command"),
        "{error}"
    );
    assert_eq!(count(&database).await, 1);

    holder
        .execute("SELECT pg_advisory_unlock(7)")
        .await
        .unwrap();
    upsert(&items, &database, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(count(&database).await, 2_326);
}

#[tokio::test]
async fn postgres_gone_halfway_is_an_error_and_nothing_is_half_written() {
    let ((postgres, settings, database, mut holder), items) = (blocked().await, normalised());
    let stop = CancellationToken::new();
    let crash = async {
        until_halfway(&mut holder).await;
        postgres.crash();
    };
    let (outcome, ()) = tokio::join!(upsert(&items, &database, &stop), crash);
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("the database is unavailable"), "{error}");

    postgres.start_again();
    let database = Database::connect(&settings).await.unwrap();
    assert_eq!(count(&database).await, 1);
    upsert(&items, &database, &stop).await.unwrap();
    assert_eq!(count(&database).await, 2_326);
}

#[tokio::test]
async fn ctrl_c_ends_the_command_with_1_and_says_how_to_go_on() {
    let ((_postgres, settings, database, mut holder), items) = (blocked().await, normalised());
    let command = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["seed", "--n-users", "40", "--upsert", "--in"])
        .arg(items.path())
        .args(["--database", settings.url.expose()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_halfway(&mut holder).await;
    let pid = command.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = command.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected =
        "weir: interrupted: the database is unchanged; run the same command to start again";
    assert_eq!(said.lines().last(), Some(expected));
    assert_eq!(count(&database).await, 1);
}
