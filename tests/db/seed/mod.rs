//! Seeds of the posts database.

mod command;
mod existing;
mod halfway;
mod loaded;
mod sample;

use std::path::Path;

use sea_orm::{EntityTrait, QueryOrder};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use weir::db::OnExisting;
use weir::db::post::{Column, Entity, Model};
use weir::seeding::{LoadedSeed, SeedingError, load_seed};
use weir_lab::{Preprocess, Progress, Seed, UserPool};

use crate::common::databases::TestDatabase;
use crate::common::posts::time;

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

/// A seed of items that a single user sees.
fn seed(items: &Path) -> Seed {
    Seed {
        input: items.to_owned(),
        pool: None,
        now: time("2026-11-24T06:00:00Z"),
    }
}

/// A seed of items that `users` users see.
fn cohort(items: &Path, users: u64) -> Seed {
    Seed {
        pool: Some(UserPool {
            users,
            ..UserPool::new(1).unwrap()
        }),
        ..seed(items)
    }
}

/// Loads a seed into a table without posts.
async fn run(seed: Seed, data: &TestDatabase) -> Result<LoadedSeed, SeedingError> {
    run_on_existing(OnExisting::Refuse, seed, data).await
}

async fn run_on_existing(
    on_existing: OnExisting,
    seed: Seed,
    data: &TestDatabase,
) -> Result<LoadedSeed, SeedingError> {
    let (progress, stop) = (Progress::hidden(), CancellationToken::new());
    load_seed(seed, &data.database, on_existing, &progress, &stop).await
}

async fn rows(data: &TestDatabase) -> Vec<Model> {
    let posts = Entity::find().order_by_asc(Column::Id);
    posts.all(data.database.reader()).await.unwrap()
}

/// The item of a row.
fn item(row: &Model) -> Value {
    serde_json::from_str(row.post_blob.as_deref().unwrap()).unwrap()
}
