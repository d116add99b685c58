use sea_orm::{
    DbBackend,
    sqlx::{AssertSqlSafe, Postgres, Sqlite, Transaction, query_as, query_scalar, raw_sql},
};

use crate::db::{Database, DbError};

/// Name and definition of each index on `posts` that only makes it faster.
const SQLITE_INDEXES: &str = "SELECT name, sql FROM sqlite_master
    WHERE type = 'index' AND tbl_name = 'posts' AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%'";
const POSTGRES_INDEXES: &str =
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = 'posts'::regclass AND NOT indisunique";

/// A transaction on a connection of its own, for what sea-orm's has no way to say. Rolled back when dropped.
#[derive(Debug)]
pub(super) enum LoadTransaction {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl LoadTransaction {
    /// Begins, and keeps other writers out.
    pub(super) async fn begin(database: &Database) -> Result<Self, DbError> {
        let writer = database.writer();
        if database.backend() == DbBackend::Sqlite {
            let pool = writer.get_sqlite_connection_pool();
            return Ok(Self::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?));
        }
        let mut transaction = Self::Postgres(writer.get_postgres_connection_pool().begin().await?);
        transaction
            .execute("LOCK TABLE posts IN SHARE ROW EXCLUSIVE MODE")
            .await?;
        Ok(transaction)
    }

    pub(super) async fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        let sql = raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => {
                sql.execute(&mut **connection).await?;
            }
            Self::Postgres(connection) => {
                sql.execute(&mut **connection).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn is_empty(&mut self) -> Result<bool, DbError> {
        const ANY: &str = "SELECT EXISTS (SELECT 1 FROM posts)";
        let any: bool = match self {
            Self::Sqlite(connection) => query_scalar(ANY).fetch_one(&mut **connection).await?,
            Self::Postgres(connection) => query_scalar(ANY).fetch_one(&mut **connection).await?,
        };
        Ok(!any)
    }

    /// Drops the indexes and answers what makes them again.
    pub(super) async fn drop_indexes(&mut self) -> Result<Vec<String>, DbError> {
        let indexes: Vec<(String, String)> = match self {
            Self::Sqlite(connection) => {
                query_as(SQLITE_INDEXES)
                    .fetch_all(&mut **connection)
                    .await?
            }
            Self::Postgres(connection) => {
                query_as(POSTGRES_INDEXES)
                    .fetch_all(&mut **connection)
                    .await?
            }
        };
        for (name, _) in &indexes {
            // Postgres quotes the name where it must; SQLite's is as it was given.
            let name = match self {
                Self::Sqlite(_) => format!("\"{}\"", name.replace('"', "\"\"")),
                Self::Postgres(_) => name.clone(),
            };
            self.execute(&format!("DROP INDEX {name}")).await?;
        }
        Ok(indexes
            .into_iter()
            .map(|(_, definition)| definition)
            .collect())
    }

    pub(super) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
