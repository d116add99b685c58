use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use chrono::{DateTime, Utc};
use rand::{Rng, RngExt};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::SeedingError;
use super::preprocess::hex;
use weir_feed::{ContentItem, Platform, RankRequest, Session};

/// Makes a ranking request of `items` random items, or all if there are fewer, of the normalised file `path`. Each item is as
/// likely as any other; they keep the file's order. `now` is the session's time.
pub fn pull(
    path: &Path,
    platform: Platform,
    items: usize,
    user_name: &str,
    now: DateTime<Utc>,
    rng: &mut impl Rng,
) -> Result<RankRequest, SeedingError> {
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

/// Reservoir sampling (Vitter's Algorithm R): a line takes the place of a random earlier one with falling chance.
fn sample(
    path: &Path,
    wanted: usize,
    rng: &mut impl Rng,
) -> Result<Vec<ContentItem>, SeedingError> {
    let file = File::open(path).map_err(SeedingError::file("read", path))?;
    let mut reservoir: Vec<(u64, String)> = Vec::with_capacity(wanted.min(4096));
    for (number, line) in (1..).zip(BufReader::with_capacity(1 << 17, file).lines()) {
        let line = line.map_err(SeedingError::file("read", path))?;
        if reservoir.len() < wanted {
            reservoir.push((number, line));
        } else if let Some(place) = usize::try_from(rng.random_range(0..number))
            .ok()
            .and_then(|n| reservoir.get_mut(n))
        {
            *place = (number, line);
        }
    }
    reservoir.sort_unstable_by_key(|(number, _)| *number);
    let parse = |(line, text): (u64, String)| {
        serde_json::from_str(&text).map_err(|error| SeedingError::Malformed {
            path: path.to_owned(),
            line,
            message: error.to_string(),
        })
    };
    reservoir.into_iter().map(parse).collect()
}
