use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::Migration;
use crate::sql::WriteTransaction;

/// Creates what is absent of `scraper_data`, `scraper_errors` and their indexes; tables made by another program stay as
/// they are.
pub(super) struct Step;

const SQLITE_TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS scraper_data (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        post_id TEXT UNIQUE NOT NULL,
        source_id TEXT,
        task_id TEXT,
        post_blob TEXT
    )",
    "CREATE TABLE IF NOT EXISTS scraper_errors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        source_id TEXT,
        task_id TEXT,
        message TEXT
    )",
];

const POSTGRES_TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS scraper_data (
        id BIGSERIAL PRIMARY KEY,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
        post_id TEXT UNIQUE NOT NULL,
        source_id TEXT,
        task_id TEXT,
        post_blob JSONB
    )",
    "CREATE TABLE IF NOT EXISTS scraper_errors (
        id BIGSERIAL PRIMARY KEY,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
        source_id TEXT,
        task_id TEXT,
        message TEXT
    )",
];

/// `post_id` has the index of its uniqueness.
const INDEXED: [(&str, &str); 6] = [
    ("scraper_data", "created_at"),
    ("scraper_data", "source_id"),
    ("scraper_data", "task_id"),
    ("scraper_errors", "created_at"),
    ("scraper_errors", "source_id"),
    ("scraper_errors", "task_id"),
];

#[async_trait::async_trait]
impl Migration for Step {
    fn name(&self) -> &'static str {
        "m0002_create_scraper_tables"
    }

    async fn up(&self, connection: &WriteTransaction) -> Result<(), DbErr> {
        let tables = match connection.get_database_backend() {
            DbBackend::Sqlite => SQLITE_TABLES,
            _ => POSTGRES_TABLES,
        };
        for table in tables {
            connection.execute_unprepared(table).await?;
        }
        for (table, column) in INDEXED {
            let index =
                format!("CREATE INDEX IF NOT EXISTS idx_{table}_{column} ON {table} ({column})");
            connection.execute_unprepared(&index).await?;
        }
        Ok(())
    }
}
