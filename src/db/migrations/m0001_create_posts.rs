use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use super::Migration;
use crate::sql::WriteTransaction;

/// Creates what is absent of `posts` and its indexes; a table made by another program stays as it is.
pub(super) struct Step;

const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id TEXT,
    session_timestamp TIMESTAMP,
    session_user_id TEXT,
    platform TEXT,
    type TEXT,
    author_name_hash TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    post_blob TEXT
)";

const POSTGRES_TABLE: &str = "CREATE TABLE IF NOT EXISTS posts (
    id SERIAL PRIMARY KEY,
    post_id TEXT,
    session_timestamp TIMESTAMP WITH TIME ZONE,
    session_user_id TEXT,
    platform TEXT,
    type TEXT,
    author_name_hash TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
    post_blob JSONB
)";

const INDEXED_COLUMNS: [&str; 3] = ["created_at", "post_id", "session_user_id"];

const SQLITE_INDEXED: &str =
    "SELECT info.name FROM pragma_index_list('posts') AS list, pragma_index_info(list.name) AS info
    WHERE info.seqno = 0 AND NOT list.partial";

const POSTGRES_INDEXED: &str = "SELECT attname::text FROM pg_index
    JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = 'posts'::regclass AND indpred IS NULL AND indisvalid";

/// What makes the table where there is none.
pub(in crate::db) fn table(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => SQLITE_TABLE,
        _ => POSTGRES_TABLE,
    }
}

/// What makes the indexes of a table that has none.
pub(in crate::db) fn indexes() -> impl Iterator<Item = String> {
    INDEXED_COLUMNS.into_iter().map(index)
}

/// The columns of `posts` that lead an index over all rows.
async fn indexed_columns(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let backend = connection.get_database_backend();
    let indexed = match backend {
        DbBackend::Sqlite => SQLITE_INDEXED,
        _ => POSTGRES_INDEXED,
    };
    let rows = connection
        .query_all_raw(Statement::from_string(backend, indexed))
        .await?;
    let columns = rows.iter().map(|row| row.try_get_by_index(0));
    let columns: Vec<Option<String>> = columns.collect::<Result<_, _>>()?;
    Ok(columns.into_iter().flatten().collect())
}

fn index(column: &str) -> String {
    format!("CREATE INDEX idx_posts_{column} ON posts ({column})")
}

#[async_trait::async_trait]
impl Migration for Step {
    fn name(&self) -> &'static str {
        "m0001_create_posts"
    }

    async fn up(&self, connection: &WriteTransaction) -> Result<(), DbErr> {
        let backend = connection.get_database_backend();
        connection.execute_unprepared(table(backend)).await?;
        let indexed = indexed_columns(connection).await?;
        for column in INDEXED_COLUMNS {
            if !indexed.iter().any(|name| name == column) {
                connection.execute_unprepared(&index(column)).await?;
            }
        }
        Ok(())
    }
}
