use std::time::Instant;

use sea_orm::{
    DbBackend,
    sqlx::{
        AssertSqlSafe, Connection, Executor, FromRow, PgConnection, postgres::PgRow, query_as,
        raw_sql, sqlite::SqliteRow,
    },
};

use tokio::time::sleep;

use super::migrations::ddl_locks;
use super::{Database, DbError, sql_text::quoted};
use crate::settings::Pooler;
use crate::sql::{FORGET_STATEMENTS, SqliteTransaction};

/// A transaction on a connection of its own, for what sea-orm's has no way to say. Rolled back when dropped: on Postgres by
/// closing the connection, for one left in the midst of a COPY is of no use to others.
#[derive(Debug)]
pub(super) enum RawTransaction {
    Sqlite(SqliteTransaction),
    Postgres(Box<PgConnection>),
}

impl RawTransaction {
    /// Begins one that writes; on SQLite nobody else writes until it ends.
    pub(super) async fn begin(database: &Database) -> Result<Self, DbError> {
        let writer = database.writer();
        if let Some(transaction) = writer.begin_sqlite().await? {
            return Ok(Self::Sqlite(transaction));
        }
        let pool = writer.connections();
        let connections = pool.inner().get_postgres_connection_pool();
        let connection = connections.acquire().await?.detach();
        Self::on_postgres(connection, "BEGIN", pool.pooler()).await
    }

    /// Begins one by this statement on a connection that nobody else uses.
    pub(super) async fn on_postgres(
        mut connection: PgConnection,
        begin: &'static str,
        pooler: Pooler,
    ) -> Result<Self, DbError> {
        connection.execute(begin).await?;
        if pooler == Pooler::Transaction {
            connection.execute(FORGET_STATEMENTS).await?;
        }
        Ok(Self::Postgres(Box::new(connection)))
    }

    pub(super) fn backend(&self) -> DbBackend {
        match self {
            Self::Sqlite(_) => DbBackend::Sqlite,
            Self::Postgres(_) => DbBackend::Postgres,
        }
    }

    /// Runs statements without values or answer.
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

    /// Runs a statement that locks a table against others. On Postgres it gives up after a short time, so that nobody waits
    /// behind it for long, and is tried again.
    pub(super) async fn alter(&mut self, sql: &str) -> Result<(), DbError> {
        if self.backend() != DbBackend::Postgres {
            return self.execute(sql).await;
        }
        let begun = Instant::now();
        loop {
            self.execute("SAVEPOINT altering").await?;
            self.execute(ddl_locks::LIMIT).await?;
            match self.execute(sql).await {
                Err(error) if error.is_lock_timeout() && begun.elapsed() < ddl_locks::PATIENCE => {
                    self.execute("ROLLBACK TO SAVEPOINT altering").await?;
                    sleep(ddl_locks::PAUSE).await;
                }
                Err(error) => return Err(error),
                Ok(()) => {
                    self.execute("SET LOCAL lock_timeout TO DEFAULT").await?;
                    return self.execute("RELEASE SAVEPOINT altering").await;
                }
            }
        }
    }

    /// All rows of a query.
    pub(super) async fn rows<R>(&mut self, sql: &str) -> Result<Vec<R>, DbError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(match self {
            Self::Sqlite(connection) => {
                query_as(AssertSqlSafe(sql))
                    .fetch_all(&mut **connection)
                    .await?
            }
            Self::Postgres(connection) => {
                query_as(AssertSqlSafe(sql))
                    .fetch_all(&mut **connection)
                    .await?
            }
        })
    }

    pub(super) async fn is_empty(&mut self, table: &str) -> Result<bool, DbError> {
        let any = format!("SELECT CAST(1 AS BIGINT) FROM {} LIMIT 1", quoted(table));
        Ok(self.rows::<(i64,)>(&any).await?.is_empty())
    }

    pub(super) async fn count(&mut self, table: &str) -> Result<u64, DbError> {
        let count = format!("SELECT CAST(count(*) AS BIGINT) FROM {}", quoted(table));
        let rows: Vec<(i64,)> = self.rows(&count).await?;
        Ok(rows.first().map_or(0, |&(count,)| count.cast_unsigned()))
    }

    /// Drops the indexes that only make a table faster, and answers what makes them again.
    pub(super) async fn drop_indexes(&mut self, table: &str) -> Result<Vec<String>, DbError> {
        let name = table.replace('\'', "''");
        let indexes = match self {
            Self::Sqlite(_) => format!(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{name}'
                AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%'"
            ),
            Self::Postgres(_) => format!(
                "SELECT relname::text, pg_get_indexdef(indexrelid) FROM pg_index
                JOIN pg_class ON pg_class.oid = indexrelid
                WHERE indrelid = '{}'::regclass AND NOT indisunique",
                quoted(&name)
            ),
        };
        let indexes: Vec<(String, String)> = self.rows(&indexes).await?;
        for (name, _) in &indexes {
            self.alter(&format!("DROP INDEX {}", quoted(name))).await?;
        }
        Ok(indexes.into_iter().map(|(_, sql)| sql).collect())
    }

    pub(super) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(mut connection) => {
                connection.execute("COMMIT").await?;
                connection.close().await?;
            }
        }
        Ok(())
    }
}
