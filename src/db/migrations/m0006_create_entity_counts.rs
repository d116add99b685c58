use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::Migration;
use crate::sql::WriteTransaction;

/// Creates the table of entity counts. Earlier versions had triggers on `posts` and four tables, which go; the next count
/// counts everything.
pub(super) struct Step;

/// The counts of posts of one hour and platform, and the fingerprint of the rows that were counted; the columns that every
/// run reads come first.
const SQLITE_TABLE: &str = "CREATE TABLE weir_entity_counts (
    hour TEXT NOT NULL,
    platform TEXT NOT NULL,
    model BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    last_id BIGINT NOT NULL,
    names BIGINT NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (hour, platform)
)";

/// Texts are compared by bytes, as SQLite and Rust do, not by the database's language. Counts are packed already.
const POSTGRES_TABLE: [&str; 2] = [
    "CREATE TABLE weir_entity_counts (
        hour TEXT COLLATE \"C\" NOT NULL,
        platform TEXT COLLATE \"C\" NOT NULL,
        model BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        last_id BIGINT NOT NULL,
        names BIGINT NOT NULL,
        counts BYTEA NOT NULL,
        PRIMARY KEY (hour, platform)
    )",
    "ALTER TABLE weir_entity_counts ALTER COLUMN counts SET STORAGE EXTERNAL",
];

const SQLITE_FORMER_TRIGGERS: [&str; 4] = [
    "DROP TRIGGER IF EXISTS weir_hours_of_inserted",
    "DROP TRIGGER IF EXISTS weir_hours_of_updated",
    "DROP TRIGGER IF EXISTS weir_hours_of_deleted",
    "DROP TRIGGER IF EXISTS weir_hours_of_replaced",
];

/// The triggers go with their function, which is Weir's own: to drop one by itself takes the rights of the owner of `posts`.
const POSTGRES_FORMER_TRIGGERS: [&str; 1] = ["DROP FUNCTION IF EXISTS weir_mark_hours() CASCADE"];

/// The table of entity counts, and those that earlier versions had for them.
pub(super) const TABLES: [&str; 5] = [
    "weir_entity_counts",
    "weir_changed_hours",
    "weir_arrivals",
    "weir_post_entities",
    "weir_entity_hours",
];

#[async_trait::async_trait]
impl Migration for Step {
    fn name(&self) -> &'static str {
        "m0006_create_entity_counts"
    }

    async fn up(&self, connection: &WriteTransaction) -> Result<(), DbErr> {
        let (triggers, table) = match connection.get_database_backend() {
            DbBackend::Sqlite => (&SQLITE_FORMER_TRIGGERS[..], &[SQLITE_TABLE][..]),
            _ => (&POSTGRES_FORMER_TRIGGERS[..], &POSTGRES_TABLE[..]),
        };
        for statement in triggers {
            connection.execute_unprepared(statement).await?;
        }
        for name in TABLES {
            let drop = format!("DROP TABLE IF EXISTS {name}");
            connection.execute_unprepared(&drop).await?;
        }
        for statement in table {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
