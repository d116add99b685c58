//! The tables, and the few words in which the two databases differ.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

/// The tables. Statements are idempotent and run when the store is first reached.
const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS {results} (
        key text PRIMARY KEY, value {bytes} NOT NULL, written_at bigint NOT NULL, expires_at bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS {results}_expires_at ON {results} (expires_at)",
];

/// Writes statements for one database: `{now}` is its clock in milliseconds since the epoch, `{results}` a table.
pub(super) struct Sql {
    backend: DbBackend,
    now: &'static str,
    bytes: &'static str,
    tables: String,
}

impl Sql {
    pub(super) fn sqlite(prefix: &str) -> Self {
        Self {
            backend: DbBackend::Sqlite,
            now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            bytes: "blob",
            tables: table_prefix(prefix),
        }
    }

    pub(super) fn postgres(prefix: &str) -> Self {
        Self {
            backend: DbBackend::Postgres,
            now: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
            bytes: "bytea",
            tables: table_prefix(prefix),
        }
    }

    pub(super) fn statement(
        &self,
        template: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text(template), values)
    }

    /// Makes what is missing, under a lock on Postgres: two processes that create one table at once collide.
    pub(super) async fn create_tables(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<(), DbErr> {
        if self.backend == DbBackend::Postgres {
            let lock = format!(
                "SELECT pg_advisory_xact_lock(hashtext('{}results'))",
                self.tables
            );
            connection.execute_unprepared(&lock).await?;
        }
        for table in TABLES {
            connection.execute_unprepared(&self.text(table)).await?;
        }
        Ok(())
    }

    fn text(&self, template: &str) -> String {
        template
            .replace("{now}", self.now)
            .replace("{bytes}", self.bytes)
            .replace("{results}", &format!("{}results", self.tables))
    }
}

/// `weir:` makes `weir_`: the key prefix names the tables as well, so that two prefixes in one database stay apart.
fn table_prefix(prefix: &str) -> String {
    let letter = |sign: char| {
        if sign.is_ascii_alphanumeric() {
            sign
        } else {
            '_'
        }
    };
    let name: String = prefix
        .chars()
        .map(|sign| letter(sign).to_ascii_lowercase())
        .collect();
    if name.starts_with(|sign: char| sign.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_becomes_part_of_a_table_name() {
        for (prefix, tables) in [("weir:", "weir_"), ("", ""), ("2nd-Try:", "_2nd_try_")] {
            assert_eq!(table_prefix(prefix), tables);
        }
    }
}
