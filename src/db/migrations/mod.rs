//! The schema, one file per step.

mod m0001_create_posts;
mod m0002_create_scraper_tables;
mod m0004_create_rankings;
mod m0006_create_entity_counts;

pub(super) use m0001_create_posts::{indexes as posts_indexes, table as posts_table};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

use super::{Database, DbError, ddl_locks};

/// Any number, the same in every Weir.
const ADVISORY_LOCK: i64 = 0x0077_6569_7220_6462;

/// Where the steps that ran are noted.
pub(super) const TABLE: &str = "seaql_migrations";

struct Migrator;

/// A step of earlier versions, undone by a later one. Databases name it among the steps that ran.
struct Superseded(&'static str);

impl MigrationName for Superseded {
    fn name(&self) -> &'static str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Superseded {
    async fn up(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_create_posts::Migration),
            Box::new(m0002_create_scraper_tables::Migration),
            Box::new(Superseded("m0003_create_entity_hours")),
            Box::new(m0004_create_rankings::Migration),
            Box::new(Superseded("m0005_create_arrivals")),
            Box::new(m0006_create_entity_counts::Migration),
        ]
    }
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
    Migrator::up(transaction.for_migrations(), None).await?;
    Ok(transaction.commit().await?)
}
