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
    match step {
        Step::Insert(drafts) => drop(database.insert_posts(&posts(drafts)).await.unwrap()),
        Step::Upsert(drafts) => load(database, OnExisting::Replace, &posts(drafts)).await,
        Step::LoadAnew(drafts) => load(database, OnExisting::Drop, &posts(drafts)).await,
        Step::Prune { quarter } => {
            let pruned = database.delete_posts_before(at(*quarter), 1_000);
            pruned.await.unwrap();
        }
        Step::CountOtherwise => count_otherwise(database).await,
        Step::Elsewhere(_) | Step::Run => {}
        step => {
            let backend = database.reader().get_database_backend();
            sql(database, &statement(step, backend)).await;
        }
    }
}

/// What another program sends for a step.
fn statement(step: &Step, backend: DbBackend) -> String {
    let nth_id = |nth: &u8| format!("(SELECT id FROM posts ORDER BY id LIMIT 1 OFFSET {nth})");
    let set = |column: &str, value: &str, nth: &u8| {
        format!(
            "UPDATE posts SET {column} = {value} WHERE id = {}",
            nth_id(nth)
        )
    };
    let written = |quarter: u8| {
        let zone = match backend {
            DbBackend::Sqlite => "",
            _ => "+00",
        };
        format!("'{}{zone}'", at(quarter).format("%Y-%m-%d %H:%M:%S"))
    };
    let blob = |text: &usize| {
        let blob = json!({"id": "x", "title": null, "text": TEXTS[*text]});
        let blob = to_raw_value(&blob).unwrap();
        format!("'{}'", blob.get().replace('\'', "''"))
    };
    match step {
        Step::Rewrite { nth, text } => set("post_blob", &blob(text), nth),
        Step::Move { nth, quarter } => set("created_at", &written(*quarter), nth),
        Step::ForgetTime { nth } => set("created_at", "NULL", nth),
        Step::RewriteTime { nth } => match backend {
            DbBackend::Sqlite => {
                let elsewhere = "strftime('%Y-%m-%dT%H:%M:%S', created_at, '+2 hours') || '+02:00'";
                set("created_at", elsewhere, nth)
            }
            _ => set("created_at", "created_at", nth),
        },
        Step::Swap { one, other } => {
            let (one, other) = (nth_id(one), nth_id(other));
            format!(
                "UPDATE posts SET post_blob = (SELECT post_blob FROM posts AS other
                    WHERE other.id IN ({one}, {other}) AND other.id <> posts.id)
                 WHERE id IN ({one}, {other}) AND {one} <> {other}"
            )
        }
        Step::Replace { nth, draft } => {
            let (time, blob) = (written(draft.quarter), blob(&draft.text));
            let (post_id, platform) = (draft.post_id, PLATFORMS[draft.platform]);
            let columns = "posts (id, post_id, platform, created_at, post_blob)";
            let id = nth_id(nth);
            match backend {
                DbBackend::Sqlite => format!(
                    "INSERT OR REPLACE INTO {columns}
                     SELECT id, '{post_id}', '{platform}', {time}, {blob} FROM posts WHERE id = {id}"
                ),
                _ => format!(
                    "INSERT INTO {columns}
                     SELECT id, '{post_id}', '{platform}', {time}::timestamptz, {blob}::jsonb FROM posts WHERE id = {id}
                     ON CONFLICT (id) DO UPDATE SET post_id = excluded.post_id, platform = excluded.platform,
                        created_at = excluded.created_at, post_blob = excluded.post_blob"
                ),
            }
        }
        Step::Delete { nth } => format!("DELETE FROM posts WHERE id = {}", nth_id(nth)),
        Step::DeleteAndRestore { nth } => format!(
            "CREATE TABLE restored AS SELECT * FROM posts WHERE id = {};
             DELETE FROM posts WHERE id = (SELECT id FROM restored);
             INSERT INTO posts SELECT * FROM restored;
             DROP TABLE restored",
            nth_id(nth)
        ),
        step => panic!("{step:?} is not a statement"),
    }
}

/// A run with another model, which finds no entity.
async fn count_otherwise(database: &Database) {
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
