//! What may happen to posts between runs.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbBackend};
use serde_json::{json, value::to_raw_value};
use weir::db::{Bucket, Database, NewPost, OnExisting};
use weir_entities::Extractor;

use super::elsewhere::{Other, all_counts};
use crate::common::databases::sql;
use crate::common::posts::{post, time};

pub(super) const TEXTS: [&str; 5] = [
    "Barack Obama met Angela Merkel in Berlin. Berlin was cold, said Barack Obama.",
    "We flew to London and then to BERLIN.",
    "Angela Merkel spoke in London yesterday.",
    "nothing to see here, just a quiet day",
    "Angela Merkel spoke in Berlin yesterday.",
];
pub(super) const PLATFORMS: [&str; 2] = ["facebook", "reddit"];

/// A post of few that may be; time in quarters of an hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) post_id: u8,
    pub(super) quarter: u8,
    pub(super) platform: usize,
    pub(super) text: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Insert(Vec<Draft>),
    Upsert(Vec<Draft>),
    /// Drops the table.
    LoadAnew(Vec<Draft>),
    Rewrite {
        nth: u8,
        text: usize,
    },
    Move {
        nth: u8,
        quarter: u8,
    },
    ForgetTime {
        nth: u8,
    },
    /// Writes the same time in another form.
    RewriteTime {
        nth: u8,
    },
    /// Exchanges what two rows say.
    Swap {
        one: u8,
        other: u8,
    },
    /// Deletes a row and inserts it again as it was.
    DeleteAndRestore {
        nth: u8,
    },
    /// Puts a row in the place of another.
    Replace {
        nth: u8,
        draft: Draft,
    },
    Delete {
        nth: u8,
    },
    Prune {
        quarter: u8,
    },
    /// A run of another process goes on, by one of its steps.
    Elsewhere(Other),
    /// A run with another model.
    CountOtherwise,
    Run,
}

pub(super) fn at(quarter: u8) -> DateTime<Utc> {
    time("2017-05-31T20:00:00Z") + TimeDelta::minutes(15 * i64::from(quarter))
}

impl Draft {
    fn post(self) -> NewPost {
        NewPost {
            created_at: at(self.quarter),
            platform: PLATFORMS[self.platform].to_owned(),
            ..post(&self.post_id.to_string(), TEXTS[self.text])
        }
    }
}

pub(super) fn model() -> i64 {
    Extractor::bundled().fingerprint().cast_signed()
}

/// Does a step, but for runs.
pub(super) async fn take(step: &Step, database: &Database) {
    let posts =
        |drafts: &[Draft]| -> Vec<NewPost> { drafts.iter().map(|draft| draft.post()).collect() };
    let nth_id = |nth: &u8| format!("(SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET {nth})");
    let written = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S").to_string();
    let zone = match database.reader().get_database_backend() {
        DbBackend::Sqlite => "",
        _ => "+00",
    };
    let blob = |text: &usize| {
        let blob = json!({"id": "x", "title": null, "text": TEXTS[*text]});
        to_raw_value(&blob).unwrap().get().replace('\'', "''")
    };
    match step {
        Step::Insert(drafts) => drop(database.insert_posts(&posts(drafts)).await.unwrap()),
        Step::Upsert(drafts) => load(database, OnExisting::Replace, &posts(drafts)).await,
        Step::LoadAnew(drafts) => load(database, OnExisting::Drop, &posts(drafts)).await,
        Step::Rewrite { nth, text } => {
            let (blob, id) = (blob(text), nth_id(nth));
            sql(
                database,
                &format!("UPDATE posts SET post_blob = '{blob}' WHERE id = {id}"),
            )
            .await;
        }
        Step::Move { nth, quarter } => {
            let (time, id) = (written(at(*quarter)), nth_id(nth));
            sql(
                database,
                &format!("UPDATE posts SET created_at = '{time}{zone}' WHERE id = {id}"),
            )
            .await;
        }
        Step::ForgetTime { nth } => {
            let id = nth_id(nth);
            sql(
                database,
                &format!("UPDATE posts SET created_at = NULL WHERE id = {id}"),
            )
            .await;
        }
        Step::Replace { nth, draft } => {
            let id = nth_id(nth);
            let values = format!(
                "SELECT id, '{}', '{}', '{}{zone}', '{}' FROM posts WHERE id = {id}",
                draft.post_id,
                PLATFORMS[draft.platform],
                written(at(draft.quarter)),
                blob(&draft.text)
            );
            replace(database, &values).await;
        }
        Step::Delete { nth } => {
            let id = nth_id(nth);
            sql(database, &format!("DELETE FROM posts WHERE id = {id}")).await;
        }
        Step::Prune { quarter } => {
            let deleted = database.delete_posts_before(at(*quarter), 1_000);
            deleted.await.unwrap();
        }
        Step::RewriteTime { nth } => {
            let id = nth_id(nth);
            let rewritten = match database.reader().get_database_backend() {
                DbBackend::Sqlite => {
                    "strftime('%Y-%m-%dT%H:%M:%S', created_at, '+2 hours') || '+02:00'"
                }
                _ => "created_at",
            };
            let rewrite = format!("UPDATE posts SET created_at = {rewritten} WHERE id = {id}");
            sql(database, &rewrite).await;
        }
        Step::Swap { one, other } => {
            let (one, other) = (nth_id(one), nth_id(other));
            let swap = format!(
                "UPDATE posts SET post_blob = (SELECT post_blob FROM posts AS other
                    WHERE other.id IN ({one}, {other}) AND other.id <> posts.id)
                 WHERE id IN ({one}, {other}) AND {one} <> {other}"
            );
            sql(database, &swap).await;
        }
        Step::DeleteAndRestore { nth } => {
            let id = nth_id(nth);
            sql(
                database,
                &format!(
                    "CREATE TABLE restored AS SELECT * FROM posts WHERE id = {id};
                     DELETE FROM posts WHERE id = (SELECT id FROM restored);
                     INSERT INTO posts SELECT * FROM restored;
                     DROP TABLE restored"
                ),
            )
            .await;
        }
        Step::CountOtherwise => {
            count_by_another_model(database).await;
        }
        Step::Elsewhere(_) | Step::Run => {}
    }
}

/// Replaces a row by these values, as each database can.
async fn replace(database: &Database, values: &str) {
    let columns = "posts (id, post_id, platform, created_at, post_blob)";
    let replace = match database.reader().get_database_backend() {
        DbBackend::Sqlite => format!("INSERT OR REPLACE INTO {columns} {values}"),
        _ => format!(
            "INSERT INTO {columns} {}
            ON CONFLICT (id) DO UPDATE SET post_id = excluded.post_id, platform = excluded.platform,
            created_at = excluded.created_at, post_blob = excluded.post_blob",
            values
                .replace("00'", "00'::timestamptz")
                .replace("}'", "}'::jsonb")
        ),
    };
    sql(database, &replace).await;
}

/// Stores counts of all dirty hours by another model, without names.
async fn count_by_another_model(database: &Database) {
    let changes = database.count_snapshot(1).await.unwrap().into_changes();
    let dirty: Vec<Bucket> = changes.dirty.into_iter().collect();
    let mut counts = all_counts(database).await;
    counts.retain(|counts| dirty.contains(&counts.bucket));
    for counts in &mut counts {
        (counts.names, counts.counts) = (0, Vec::new());
    }
    let stored = database.store_counts(&dirty, &counts, 1, changes.last_id);
    stored.await.unwrap();
}

pub(super) async fn load(database: &Database, existing: OnExisting, posts: &[NewPost]) {
    let mut load = database.begin_load(existing).await.unwrap();
    let mut batch = load.batch();
    for post in posts {
        batch.push(post.clone());
    }
    load.write(batch).await.unwrap();
    load.index().await.unwrap().commit().await.unwrap();
}
pub(super) async fn empty(database: &Database) {
    for table in ["posts", "weir_entity_counts"] {
        sql(database, &format!("DELETE FROM {table}")).await;
    }
}
