//! The tables, and the few words in which the two databases differ.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, Value};

/// The tables. Statements are idempotent and run when the store is first reached. The indexes of one state repeat the
/// state as a column: else `SQLite` prefers that over all states, and sorts.
const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS {results} (
        key text PRIMARY KEY, value {bytes} NOT NULL, written_at bigint NOT NULL, expires_at bigint NOT NULL)",
    "CREATE INDEX IF NOT EXISTS {results}_expires_at ON {results} (expires_at)",
    "CREATE TABLE IF NOT EXISTS {jobs} (
        id text PRIMARY KEY, name text NOT NULL, args text NOT NULL, state text NOT NULL, priority integer NOT NULL,
        unique_key text, schedule text, next text, owner text, worker text, progress text, result text, error text,
        attempts integer NOT NULL DEFAULT 0, lost integer NOT NULL DEFAULT 0, cancel integer NOT NULL DEFAULT 0,
        token bigint NOT NULL DEFAULT 0, settled bigint NOT NULL DEFAULT 0, enqueued_at bigint NOT NULL,
        ready_at bigint NOT NULL, due_at bigint, started_at bigint, lease_until bigint, finished_at bigint,
        expires_at bigint, follows text, instance text, start_at bigint, delay bigint, lease bigint)",
    "CREATE TABLE IF NOT EXISTS {schedules} (
        name text PRIMARY KEY, definition text NOT NULL, next_due bigint NOT NULL, last_due bigint, last_job text,
        last_outcome text, last_finished_at bigint)",
    "CREATE TABLE IF NOT EXISTS {instances} (
        id text PRIMARY KEY, name text NOT NULL, scrapers bigint NOT NULL, seen_at bigint NOT NULL, jobs text)",
    "CREATE INDEX IF NOT EXISTS {jobs}_state ON {jobs} (state, id)",
    "CREATE INDEX IF NOT EXISTS {jobs}_name ON {jobs} (name, id)",
    "CREATE INDEX IF NOT EXISTS {jobs}_ready_by_name ON {jobs} ({state_and_name}, priority DESC, ready_at, id)
        WHERE state = 'queued'",
    // Of the version before, whose workers took jobs of any name.
    "DROP INDEX IF EXISTS {jobs}_ready",
    "CREATE INDEX IF NOT EXISTS {jobs}_due ON {jobs} (state, ready_at)
        WHERE state IN ('scheduled', 'retrying')",
    "CREATE INDEX IF NOT EXISTS {jobs}_leases ON {jobs} (state, lease_until) WHERE state = 'running'",
    "CREATE INDEX IF NOT EXISTS {jobs}_expires_at ON {jobs} (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE UNIQUE INDEX IF NOT EXISTS {jobs}_unique ON {jobs} (unique_key)
        WHERE state IN ('queued', 'scheduled', 'running', 'retrying')",
    "CREATE INDEX IF NOT EXISTS {jobs}_waits ON {jobs} (state, (ready_at - delay))
        WHERE state IN ('scheduled', 'retrying') AND delay IS NOT NULL",
];

/// The statements of [`TABLES`] up to the last table; the indexes after it need the columns.
const TABLES_BEFORE_COLUMNS: usize = 5;

/// Columns of `{jobs}` that a look at a job reads, but for the result.
const COLUMNS: &str = "id, name, args, state, priority, attempts, lost, unique_key, schedule, next, \
    follows, worker, instance, progress, error, cancel, enqueued_at, due_at, started_at, finished_at";

/// Columns that a table of an earlier version does not have, by table.
const NEW_COLUMNS: [(&str, &[(&str, &str)]); 2] = [
    (
        "{jobs}",
        &[
            ("follows", "text"),
            ("instance", "text"),
            ("start_at", "bigint"),
            ("delay", "bigint"),
            ("lease", "bigint"),
        ],
    ),
    ("{instances}", &[("jobs", "text")]),
];

/// What counts the tokens of leases. Where there is no sequence, a row that a trigger advances.
const SQLITE_TOKENS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS {tokens} (token bigint NOT NULL)",
    "INSERT INTO {tokens} SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {tokens})",
    "CREATE TRIGGER IF NOT EXISTS {jobs}_token AFTER UPDATE OF token ON {jobs}
        BEGIN UPDATE {tokens} SET token = NEW.token; END",
];
const POSTGRES_TOKENS: &[&str] = &["CREATE SEQUENCE IF NOT EXISTS {tokens}"];

/// Writes statements for one database: `{now}` is its clock in milliseconds since the epoch, `{results}`, `{jobs}`,
/// `{schedules}` and `{instances}` are the tables.
pub(crate) struct Sql {
    backend: DbBackend,
    now: &'static str,
    bytes: &'static str,
    skip_locked: &'static str,
    next_token: &'static str,
    tokens: &'static [&'static str],
    for_update: &'static str,
    /// The names in the JSON array `$1`, as rows of the table `names_in` with the column `value`.
    names_in_1: &'static str,
    /// The first job that is ready under each name in the JSON array `$1`, as rows of the table `head`.
    heads: &'static str,
    /// The order of the columns by which ready jobs are found: Postgres does not look for a state that the condition of the
    /// index implies, so the name has to come first.
    state_and_name: &'static str,
    columns_of: &'static str,
    tables: String,
}

impl Sql {
    pub(crate) fn sqlite(prefix: &str) -> Self {
        Self {
            backend: DbBackend::Sqlite,
            now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            bytes: "blob",
            next_token: "(SELECT token + 1 FROM {tokens})",
            tokens: SQLITE_TOKENS,
            // A transaction that writes has the file to itself.
            skip_locked: "",
            for_update: "",
            names_in_1: "json_each($1) AS names_in",
            heads: "json_each($1) AS names_in JOIN {jobs} AS head ON head.id = (
                SELECT job.id FROM {jobs} AS job WHERE job.state = 'queued' AND job.name = names_in.value
                ORDER BY job.priority DESC, job.ready_at, job.id LIMIT 1)",
            state_and_name: "state, name",
            columns_of: "SELECT name FROM pragma_table_info('{table}')",
            tables: table_prefix(prefix),
        }
    }

    pub(crate) fn postgres(prefix: &str) -> Self {
        Self {
            backend: DbBackend::Postgres,
            now: "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
            bytes: "bytea",
            next_token: "nextval('{tokens}')",
            tokens: POSTGRES_TOKENS,
            skip_locked: "FOR UPDATE SKIP LOCKED",
            for_update: "FOR UPDATE",
            names_in_1: "json_array_elements_text(CAST($1 AS json)) AS names_in (value)",
            heads:
                "json_array_elements_text(CAST($1 AS json)) AS names_in (value) CROSS JOIN LATERAL (
                SELECT job.id, job.name, job.priority, job.ready_at FROM {jobs} AS job
                WHERE job.state = 'queued' AND job.name = names_in.value
                ORDER BY job.priority DESC, job.ready_at, job.id LIMIT 1) AS head",
            state_and_name: "name, state",
            columns_of: "SELECT CAST(attname AS text) FROM pg_attribute
                WHERE attrelid = CAST('{table}' AS regclass) AND attnum > 0 AND NOT attisdropped",
            tables: table_prefix(prefix),
        }
    }

    pub(crate) fn statement(
        &self,
        template: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text(template), values)
    }

    /// Makes what is missing, under a lock on Postgres: two processes that create one table at once collide.
    pub(crate) async fn create_tables(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<(), DbErr> {
        if self.backend == DbBackend::Postgres {
            let lock = format!(
                "SELECT pg_advisory_xact_lock(hashtext('{}results'))",
                self.tables
            );
            connection.execute_unprepared(&lock).await?;
            // An index waits for those who write, and others wait behind it.
            let limit = "SET LOCAL lock_timeout = '500ms'";
            connection.execute_unprepared(limit).await?;
        }
        let (first, others) = TABLES.split_at(TABLES_BEFORE_COLUMNS);
        for table in first {
            connection.execute_unprepared(&self.text(table)).await?;
        }
        self.add_columns(connection).await?;
        for table in others.iter().chain(self.tokens) {
            connection.execute_unprepared(&self.text(table)).await?;
        }
        Ok(())
    }

    /// Adds the columns that the tables of an earlier version do not have.
    async fn add_columns(&self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        for (table, new_columns) in NEW_COLUMNS {
            let columns = self.columns_of.replace("{table}", table);
            let columns = connection
                .query_all_raw(self.statement(&columns, []))
                .await?;
            let columns: Vec<String> = columns
                .iter()
                .map(|row| row.try_get_by_index(0))
                .collect::<Result<_, _>>()?;
            for (name, kind) in new_columns {
                if !columns.iter().any(|column| column == name) {
                    let add = format!("ALTER TABLE {table} ADD COLUMN {name} {kind}");
                    connection.execute_unprepared(&self.text(&add)).await?;
                }
            }
        }
        Ok(())
    }

    fn text(&self, template: &str) -> String {
        template
            .replace("{now}", self.now)
            .replace("{bytes}", self.bytes)
            .replace("{next_token}", self.next_token)
            .replace("{tokens}", &format!("{}tokens", self.tables))
            .replace("{skip_locked}", self.skip_locked)
            .replace("{for_update}", self.for_update)
            .replace("{names_in_1}", self.names_in_1)
            .replace("{heads}", self.heads)
            .replace("{state_and_name}", self.state_and_name)
            .replace("{columns}", COLUMNS)
            .replace("{results}", &format!("{}results", self.tables))
            .replace("{jobs}", &format!("{}jobs", self.tables))
            .replace("{schedules}", &format!("{}schedules", self.tables))
            .replace("{instances}", &format!("{}instances", self.tables))
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
