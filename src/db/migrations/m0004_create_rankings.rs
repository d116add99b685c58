use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::Migration;
use crate::sql::WriteTransaction;

/// Creates `rankings`, in which served rankings are kept, and its indexes.
pub(super) struct Step;

const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS rankings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    arm TEXT,
    policy TEXT NOT NULL,
    config_version TEXT NOT NULL,
    intervention_on BOOLEAN NOT NULL,
    prefetch BOOLEAN NOT NULL,
    degraded TEXT NOT NULL,
    ids_sent TEXT NOT NULL,
    ids_returned TEXT NOT NULL,
    took_ms REAL NOT NULL
)";

const POSTGRES_TABLE: &str = "CREATE TABLE IF NOT EXISTS rankings (
    id BIGSERIAL PRIMARY KEY,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    platform TEXT NOT NULL,
    arm TEXT,
    policy TEXT NOT NULL,
    config_version TEXT NOT NULL,
    intervention_on BOOLEAN NOT NULL,
    prefetch BOOLEAN NOT NULL,
    degraded JSONB NOT NULL,
    ids_sent JSONB NOT NULL,
    ids_returned JSONB NOT NULL,
    took_ms DOUBLE PRECISION NOT NULL
)";

const INDEXED_COLUMNS: [&str; 2] = ["at", "user_id"];

#[async_trait::async_trait]
impl Migration for Step {
    fn name(&self) -> &'static str {
        "m0004_create_rankings"
    }

    async fn up(&self, connection: &WriteTransaction) -> Result<(), DbErr> {
        let table = match connection.get_database_backend() {
            DbBackend::Sqlite => SQLITE_TABLE,
            _ => POSTGRES_TABLE,
        };
        connection.execute_unprepared(table).await?;
        for column in INDEXED_COLUMNS {
            let index =
                format!("CREATE INDEX IF NOT EXISTS idx_rankings_{column} ON rankings ({column})");
            connection.execute_unprepared(&index).await?;
        }
        Ok(())
    }
}
