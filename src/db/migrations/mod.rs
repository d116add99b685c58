//! The schema, one file per step.

pub(super) mod ddl_locks;
mod m0001_create_posts;
mod m0002_create_scraper_tables;
mod m0004_create_rankings;
mod m0006_create_entity_counts;

use std::collections::BTreeSet;

use chrono::Utc;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

pub(super) use m0001_create_posts::{indexes as posts_indexes, table as posts_table};

use super::{Database, DbError};
use crate::sql::WriteTransaction;

/// Any number, the same in every instance.
const ADVISORY_LOCK: i64 = 0x0077_6569_7220_6462;

/// Table of the applied migrations, in the form of sea-orm-migration, which earlier versions used.
pub(super) const TABLE: &str = "seaql_migrations";

/// All migrations, in their order.
const MIGRATIONS: &[&dyn Migration] = &[
    &m0001_create_posts::Step,
    &m0002_create_scraper_tables::Step,
    &Superseded("m0003_create_entity_hours"),
    &m0004_create_rankings::Step,
    &Superseded("m0005_create_arrivals"),
    &m0006_create_entity_counts::Step,
];

/// One step of the schema.
#[async_trait::async_trait]
trait Migration: Sync {
    /// Name by which the table of applied migrations knows it.
    fn name(&self) -> &'static str;

    /// Applies the step.
    async fn up(&self, connection: &WriteTransaction) -> Result<(), DbErr>;
}

/// A step of earlier versions that a later one undoes. It stays in the list since databases have it among the applied ones.
struct Superseded(&'static str);

#[async_trait::async_trait]
impl Migration for Superseded {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn up(&self, _: &WriteTransaction) -> Result<(), DbErr> {
        Ok(())
    }
}

/// Returns whether a table says something of the database itself, or can be made again from others.
pub(super) fn is_derived(table: &str) -> bool {
    table == TABLE || m0006_create_entity_counts::TABLES.contains(&table)
}

/// Runs what has not run yet, all of it or nothing, one process at a time.
pub(super) async fn run(database: &Database) -> Result<(), DbError> {
    ddl_locks::retry(|| try_run(database)).await
}

async fn try_run(database: &Database) -> Result<(), DbError> {
    let transaction = database.begin_durable().await?;
    // On SQLite the transaction itself is the lock.
    if database.backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
        transaction.execute_unprepared(&lock).await?;
    }
    ddl_locks::limit(&transaction).await?;
    apply_pending(&transaction).await?;
    Ok(transaction.commit().await?)
}

async fn apply_pending(transaction: &WriteTransaction) -> Result<(), DbErr> {
    let create = format!(
        "CREATE TABLE IF NOT EXISTS {TABLE} (version VARCHAR NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)"
    );
    transaction.execute_unprepared(&create).await?;
    let applied = applied(transaction).await?;
    let is_known = |version: &String| MIGRATIONS.iter().any(|step| step.name() == version);
    if let Some(version) = applied.iter().find(|version| !is_known(version)) {
        return Err(DbErr::Custom(format!(
            "the database was migrated by another version of Weir, which has the step {version}"
        )));
    }
    for step in MIGRATIONS {
        if !applied.contains(step.name()) {
            step.up(transaction).await?;
            let (name, now) = (step.name(), Utc::now().timestamp());
            let insert =
                format!("INSERT INTO {TABLE} (version, applied_at) VALUES ('{name}', {now})");
            transaction.execute_unprepared(&insert).await?;
        }
    }
    Ok(())
}

/// Returns the names of the applied migrations.
async fn applied(transaction: &WriteTransaction) -> Result<BTreeSet<String>, DbErr> {
    let query = format!("SELECT version FROM {TABLE}");
    let backend = transaction.get_database_backend();
    let rows = transaction
        .query_all_raw(Statement::from_string(backend, query))
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
