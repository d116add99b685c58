//! The tables, and the triggers that mark hours.

use sea_orm::DbBackend;

use super::hour::{EVERY_HOUR, hour_of};

/// So many posts may wait to be counted one by one, about; of more, the hours are marked.
const MOST_ARRIVALS: u32 = 10_000;

/// `taken` marks are being dealt with, so later changes need marks of their own. `rewritten`: of a row that was there.
const SQLITE_TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS weir_changed_hours (
        id INTEGER PRIMARY KEY AUTOINCREMENT, hour TEXT NOT NULL,
        taken BOOLEAN NOT NULL DEFAULT FALSE, rewritten BOOLEAN NOT NULL DEFAULT FALSE)",
    INDEX,
    "CREATE TABLE IF NOT EXISTS weir_post_entities (
        post INTEGER PRIMARY KEY, model BIGINT NOT NULL, version BIGINT NOT NULL, names BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS weir_entity_hours (
        hour TEXT NOT NULL, platform TEXT NOT NULL, model BIGINT NOT NULL, names BIGINT NOT NULL, counts BLOB NOT NULL,
        PRIMARY KEY (hour, platform))",
];
const POSTGRES_TABLES: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS weir_changed_hours (
        id BIGSERIAL PRIMARY KEY, hour TEXT NOT NULL,
        taken BOOLEAN NOT NULL DEFAULT FALSE, rewritten BOOLEAN NOT NULL DEFAULT FALSE)",
    INDEX,
    "CREATE TABLE IF NOT EXISTS weir_post_entities (
        post BIGINT PRIMARY KEY, model BIGINT NOT NULL, version BIGINT NOT NULL, names BYTEA NOT NULL)",
    // By bytes, as SQLite and Rust compare, not by the database's language.
    "CREATE TABLE IF NOT EXISTS weir_entity_hours (
        hour TEXT COLLATE \"C\" NOT NULL, platform TEXT COLLATE \"C\" NOT NULL, model BIGINT NOT NULL,
        names BIGINT NOT NULL, counts BYTEA NOT NULL, PRIMARY KEY (hour, platform))",
];
const INDEX: &str =
    "CREATE INDEX IF NOT EXISTS idx_weir_changed_hours_hour ON weir_changed_hours (hour, taken)";

pub(in crate::db) fn tables(backend: DbBackend) -> [&'static str; 4] {
    match backend {
        DbBackend::Sqlite => SQLITE_TABLES,
        _ => POSTGRES_TABLES,
    }
}

/// The posts that wait to be added to the counts of their hours.
pub(in crate::db) fn arrivals_table(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => {
            "CREATE TABLE IF NOT EXISTS weir_arrivals (
                id INTEGER PRIMARY KEY AUTOINCREMENT, post BIGINT NOT NULL, hour TEXT NOT NULL)"
        }
        _ => {
            "CREATE TABLE IF NOT EXISTS weir_arrivals (
                id BIGSERIAL PRIMARY KEY, post BIGINT NOT NULL, hour TEXT NOT NULL)"
        }
    }
}

/// What becomes of posts that come into an hour without marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comers {
    /// They wait to be added.
    Wait,
    /// They mark the hour.
    Mark,
}

/// Whether another post may wait: by the span of ids, in which those that are gone count too.
fn room(comers: Comers) -> String {
    if comers == Comers::Mark {
        return "FALSE".to_owned();
    }
    format!(
        "COALESCE((SELECT max(id) FROM weir_arrivals) - (SELECT min(id) FROM weir_arrivals), 0) < {MOST_ARRIVALS}"
    )
}

/// The triggers on `posts`.
const TRIGGERS: [&str; 4] = [
    "weir_hours_of_inserted",
    "weir_hours_of_updated",
    "weir_hours_of_deleted",
    "weir_hours_of_replaced",
];

/// What removes the triggers that are there.
pub(in crate::db) fn drop_triggers(backend: DbBackend) -> impl Iterator<Item = String> {
    let on = match backend {
        DbBackend::Sqlite => "",
        _ => " ON posts",
    };
    TRIGGERS
        .into_iter()
        .map(move |name| format!("DROP TRIGGER IF EXISTS {name}{on}"))
}

/// What makes the triggers.
pub(super) fn triggers(backend: DbBackend, comers: Comers) -> Vec<String> {
    match backend {
        DbBackend::Sqlite => sqlite_triggers(comers),
        _ => postgres_triggers(comers),
    }
}

fn sqlite_triggers(comers: Comers) -> Vec<String> {
    let [inserted, updated, deleted, replaced] = TRIGGERS;
    let hour = |row: &str| hour_of(&format!("{row}.created_at"), DbBackend::Sqlite);
    // Spelled without INSERT OR IGNORE, which would take the conflict clause of the statement that fires it.
    let mark = |hour: &str| {
        format!(
            "INSERT INTO weir_changed_hours (hour, rewritten) SELECT hour, TRUE FROM (SELECT {hour} AS hour) AS row
             WHERE NOT EXISTS (SELECT 1 FROM weir_changed_hours AS mark
                WHERE mark.hour = row.hour AND NOT taken AND rewritten);"
        )
    };
    // A post is counted by itself unless its hour has a mark, by which the hour is counted whole.
    let is_marked = "SELECT 1 FROM weir_changed_hours AS mark WHERE mark.hour = row.hour";
    let arrive = format!(
        "INSERT INTO weir_changed_hours (hour) SELECT hour FROM (SELECT {new} AS hour) AS row
         WHERE NOT EXISTS ({is_marked} AND NOT taken)
            AND (row.hour = '' OR typeof(NEW.id) <> 'integer' OR EXISTS ({is_marked}) OR NOT {room});
         INSERT INTO weir_arrivals (post, hour) SELECT NEW.id, hour FROM (SELECT {new} AS hour) AS row
         WHERE NOT EXISTS ({is_marked});",
        new = hour("NEW"),
        room = room(comers),
    );
    let forget = |row: &str| format!("DELETE FROM weir_post_entities WHERE post = {row}.id;");
    let (old, new) = (hour("OLD"), hour("NEW"));
    let there = format!(
        "(SELECT {} FROM posts WHERE posts.id = NEW.id)",
        hour("posts")
    );
    vec![
        format!("CREATE TRIGGER {inserted} AFTER INSERT ON posts BEGIN {arrive} END"),
        format!(
            "CREATE TRIGGER {updated} AFTER UPDATE OF id, post_id, platform, created_at, post_blob ON posts
             BEGIN {} {} {} {} END",
            mark(&old),
            mark(&new),
            forget("OLD"),
            forget("NEW"),
        ),
        format!(
            "CREATE TRIGGER {deleted} AFTER DELETE ON posts BEGIN {} {} END",
            mark(&old),
            forget("OLD")
        ),
        // A row that INSERT OR REPLACE puts another in the place of goes without a word.
        format!(
            "CREATE TRIGGER {replaced} BEFORE INSERT ON posts WHEN EXISTS (SELECT 1 FROM posts WHERE id = NEW.id)
             BEGIN {} {} END",
            mark(&there),
            forget("NEW")
        ),
    ]
}

/// Once a statement, however many rows it writes. A writer that finds a mark holds on to it until its transaction ends,
/// so that nobody takes the mark before what it stands for can be seen; nobody waits for that. The function runs with the
/// rights of its owner, for another program's role may write nothing but posts.
fn postgres_triggers(comers: Comers) -> Vec<String> {
    let [inserted, updated, deleted, truncated] = TRIGGERS;
    let hour = hour_of("created_at", DbBackend::Postgres);
    let mark = |rows: &str| {
        format!(
            "FOR changed IN SELECT DISTINCT {hour} FROM {rows} WHERE {hour} <> ALL (alone) LOOP
                PERFORM 1 FROM weir_changed_hours WHERE hour = changed AND NOT taken LIMIT 1 FOR SHARE;
                IF NOT FOUND THEN INSERT INTO weir_changed_hours (hour) VALUES (changed); END IF;
             END LOOP;"
        )
    };
    vec![
        format!(
            "CREATE OR REPLACE FUNCTION weir_mark_hours() RETURNS trigger LANGUAGE plpgsql
             SECURITY DEFINER SET search_path FROM CURRENT AS $$
             DECLARE
                changed TEXT;
                alone TEXT[] := '{{}}';
             BEGIN
                IF TG_OP = 'TRUNCATE' THEN
                    INSERT INTO weir_changed_hours (hour) VALUES ('{EVERY_HOUR}');
                    DELETE FROM weir_post_entities;
                    RETURN NULL;
                END IF;
                IF TG_OP <> 'INSERT' THEN
                    {mark_old}
                    DELETE FROM weir_post_entities USING old_rows WHERE post = old_rows.id;
                ELSIF {room} AND (SELECT count(*) FROM new_rows) <= {MOST_ARRIVALS} THEN
                    WITH arrived AS (
                        INSERT INTO weir_arrivals (post, hour)
                        SELECT id, hour FROM (SELECT id, {hour} AS hour FROM new_rows) AS row
                        WHERE hour <> '' AND NOT EXISTS (SELECT 1 FROM weir_changed_hours AS mark WHERE mark.hour = row.hour)
                        RETURNING hour)
                    SELECT COALESCE(array_agg(DISTINCT hour), '{{}}') INTO alone FROM arrived;
                END IF;
                IF TG_OP <> 'DELETE' THEN {mark_new} END IF;
                RETURN NULL;
             END $$",
            mark_old = mark("old_rows"),
            mark_new = mark("new_rows"),
            room = room(comers),
        ),
        format!(
            "CREATE TRIGGER {inserted} AFTER INSERT ON posts REFERENCING NEW TABLE AS new_rows
             FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours()"
        ),
        format!(
            "CREATE TRIGGER {updated} AFTER UPDATE ON posts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
             FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours()"
        ),
        format!(
            "CREATE TRIGGER {deleted} AFTER DELETE ON posts REFERENCING OLD TABLE AS old_rows
             FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours()"
        ),
        format!(
            "CREATE TRIGGER {truncated} AFTER TRUNCATE ON posts
             FOR EACH STATEMENT EXECUTE FUNCTION weir_mark_hours()"
        ),
    ]
}
