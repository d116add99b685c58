//! Normalised items to impressions.

mod cohort;
mod input;

use std::path::Path;

use tempfile::TempDir;
use weir_lab::{Impression, InputReport, LabError, Preprocess, Progress, Seed, UserPool};

use crate::RAW_SAMPLE;

/// Returns a folder of normalised items: the sample, preprocessed.
fn normalised() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let preprocess = Preprocess {
        author_salt: Some("salt".to_owned()),
        ..Preprocess::new(RAW_SAMPLE, folder.path())
    };
    preprocess.run(&Progress::hidden()).unwrap();
    folder
}

/// Returns a seed of items that a single user sees.
fn seed(items: &Path) -> Seed {
    Seed {
        input: items.to_owned(),
        pool: None,
        now: "2026-11-24T06:00:00Z".parse().unwrap(),
    }
}

fn with_pool(items: &Path, pool: UserPool) -> Seed {
    Seed {
        pool: Some(pool),
        ..seed(items)
    }
}

fn run(seed: &Seed) -> Result<(Vec<Impression>, Vec<InputReport>), LabError> {
    let progress = Progress::hidden();
    let mut impressions = Vec::new();
    let prepared = seed.prepare(&progress)?;
    let reports = prepared.for_each_impression(&progress, |impression| {
        impressions.push(impression);
        Ok::<_, LabError>(())
    })?;
    Ok((impressions, reports))
}
