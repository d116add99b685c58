use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{Rng, RngExt};
use sha2::{Digest, Sha256};
use uuid::Builder;
use weir_feed::{ContentItem, Platform, RankRequest, Session};

use crate::LabError;
use crate::preprocess::hex;

/// Builds a ranking request from `items` random items of the normalised file `path`, or from all of them if there are fewer.
///
/// Every item is equally likely; the sample keeps the order of the file. `now` is the time of the session.
pub fn pull(
    path: &Path,
    platform: Platform,
    items: usize,
    user_name: &str,
    now: DateTime<Utc>,
    rng: &mut impl Rng,
) -> Result<RankRequest, LabError> {
    let mut items = sample(path, items, rng)?;
    for (rank, item) in (0..).zip(&mut items) {
        item.original_rank = Some(rank);
    }
    let [session_id, user_id] = [rng.random(), rng.random()]
        .map(|bytes| Builder::from_random_bytes(bytes).into_uuid().to_string());
    Ok(RankRequest {
        session: Session {
            session_id,
            user_id,
            user_name_hash: hex(&Sha256::digest(user_name)),
            cohort: None,
            cohort_index: None,
            platform,
            url: format!("https://{platform}.com/"),
            current_time: now,
            prefetch: Some(false),
        },
        survey: None,
        items,
    })
}

/// Draws `size` lines by reservoir sampling (Vitter's Algorithm R) and parses them.
fn sample(path: &Path, size: usize, rng: &mut impl Rng) -> Result<Vec<ContentItem>, LabError> {
    let file = File::open(path).map_err(LabError::file("read", path))?;
    let mut reservoir: Vec<(u64, String)> = Vec::with_capacity(size.min(4096));
    for (number, line) in (1..).zip(BufReader::with_capacity(1 << 17, file).lines()) {
        let line = line.map_err(LabError::file("read", path))?;
        if reservoir.len() < size {
            reservoir.push((number, line));
        } else if let Some(slot) = usize::try_from(rng.random_range(0..number))
            .ok()
            .and_then(|index| reservoir.get_mut(index))
        {
            *slot = (number, line);
        }
    }
    reservoir.sort_unstable_by_key(|(number, _)| *number);
    let parse = |(line, text): (u64, String)| {
        serde_json::from_str(&text).map_err(|error| LabError::Malformed {
            path: path.to_owned(),
            line,
            message: error.to_string(),
        })
    };
    reservoir.into_iter().map(parse).collect()
}
