//! From normalised items to a seeded database, on SQLite and Postgres.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod cohort;
mod command;
#[path = "../common/mod.rs"]
mod common;
mod existing;
mod halfway;
mod sample;

use std::fs;
use std::path::Path;

use common::databases::TestDatabase;
use common::posts::time;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use weir::db::Existing;
use weir::db::post::{Column, Entity, Model};
use weir::seeding::{Preprocess, Progress, Seed, Seeded, SeedingError, UserPool};

/// A folder of normalised items: the sample, preprocessed.
fn normalised() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let raw = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/raw");
    let preprocess = Preprocess {
        author_salt: Some("salt".to_owned()),
        ..Preprocess::new(raw, folder.path())
    };
    preprocess.run(&Progress::hidden()).unwrap();
    folder
}

/// A folder with these files.
fn folder_of(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Items seen by one user, into an empty table.
fn seed(items: &Path) -> Seed {
    Seed {
        input: items.to_owned(),
        pool: None,
        existing: Existing::Refuse,
        now: time("2026-11-24T06:00:00Z"),
    }
}

/// The sample seen by a cohort of `users`.
fn cohort(items: &Path, users: u64) -> Seed {
    Seed {
        pool: Some(UserPool {
            users,
            ..UserPool::new(1).unwrap()
        }),
        ..seed(items)
    }
}

async fn run(seed: &Seed, data: &TestDatabase) -> Result<Seeded, SeedingError> {
    let (progress, stop) = (Progress::hidden(), CancellationToken::new());
    seed.run(&data.database, &progress, &stop).await
}

async fn rows(data: &TestDatabase) -> Vec<Model> {
    let posts = Entity::find().order_by_asc(Column::Id);
    posts.all(data.database.reader()).await.unwrap()
}

/// The item of a row.
fn item(row: &Model) -> Value {
    serde_json::from_str(row.post_blob.as_deref().unwrap()).unwrap()
}
